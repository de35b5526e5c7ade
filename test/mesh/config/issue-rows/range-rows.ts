/** Issues of the ranges of relays' peers. */
import { changed, keys } from "../../../support/small-network";
import { leftOut, type Row } from "./row";

const osaka = (fields: Record<string, unknown>) => ({
  osaka: {
    address: "10.86.0.9",
    publicKey: keys.spare.publicKey,
    endpoint: "203.0.113.11:51820",
    ...fields,
  },
});
const PART = "choose a part of it, or a larger network";
const OWN = "give each relay a part of the network of its own";

export const rangeRows: Row[] = [
  {
    title: "two ranges, with peers and relays inside and outside of them, are no issue",
    raw: changed({
      relays: { tokyo: { peersCidr: "10.86.0.0/29" }, ...osaka({ peersCidr: "10.86.0.128/25" }) },
      peers: { laptop: { relay: "osaka" } },
    }),
    issues: [],
  },
  {
    title: "a range outside the network, and one around it",
    raw: changed({
      relays: { tokyo: { peersCidr: "10.87.0.0/25" }, ...osaka({ peersCidr: "10.86.0.0/16" }) },
    }),
    issues: [
      [
        "relays.osaka.peersCidr",
        "error",
        "10.86.0.0/16 is not inside the network 10.86.0.0/24",
        PART,
      ],
      [
        "relays.tokyo.peersCidr",
        "error",
        "10.87.0.0/25 is not inside the network 10.86.0.0/24",
        PART,
      ],
    ],
  },
  {
    title: "ranges that overlap, one of a disabled relay",
    raw: changed({
      relays: {
        tokyo: { peersCidr: "10.86.0.0/26" },
        ...osaka({ peersCidr: "10.86.0.0/25", enabled: false }),
      },
    }),
    issues: [
      leftOut("relays.osaka"),
      [
        "relays.tokyo.peersCidr",
        "error",
        "10.86.0.0/26 overlaps 10.86.0.0/25 of relays.osaka.peersCidr",
        OWN,
      ],
    ],
  },
  {
    title: "an IPv6 range in a network without IPv6",
    raw: changed({ relays: { tokyo: { peersCidr6: "fd5c:10:0:1::/64" } } }),
    issues: [
      [
        "relays.tokyo.peersCidr6",
        "error",
        "needs network.cidr6, which is not set",
        "set it, e.g. npx pulumi config set --path wireguard-mesh:network.cidr6 fd5c:10::/48",
      ],
    ],
  },
  {
    title: "ranges of the other family",
    raw: changed({
      relays: { tokyo: { peersCidr: "fd5c:10::/64", peersCidr6: "10.86.0.0/25" } },
    }),
    issues: [
      ["relays.tokyo.peersCidr", "error", "fd5c:10::/64 is an IPv6 prefix", "put it in peersCidr6"],
      ["relays.tokyo.peersCidr6", "error", "10.86.0.0/25 is an IPv4 prefix", "put it in peersCidr"],
    ],
  },
];
