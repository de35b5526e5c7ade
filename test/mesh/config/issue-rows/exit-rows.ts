/** Issues of exits, of peers that send everything through one, and of address translation. */
import { changed, hostKey } from "../../../support/small-network";
import { leftOut, type Row } from "./row";

const relayHost = { host: "root@203.0.113.10", hostKey };
const desktopHost = { host: "root@203.0.113.20", hostKey };
const DNS = { dns: "9.9.9.9" };
const SAFE = { ...DNS, blockIpv6: true };
const HAND = (key: string) =>
  `add host: user@address, or remove ${key} and translate addresses on the machine by hand`;
const NO_HOST = "needs a host: address translation is set up there by a push";

export const exitRows: Row[] = [
  {
    title: "a device that leaves through an exit, without IPv6; none if switched off",
    raw: changed({
      relays: { tokyo: { exit: true, ...relayHost } },
      peers: {
        desktop: { routeAll: true, ...SAFE },
        laptop: { routeAll: false, blockIpv6: false, masquerade: false },
      },
    }),
    issues: [],
  },
  {
    title: "a device whose IPv6 and DNS queries go past the tunnel; disabled ones are skipped",
    raw: changed({
      relays: { tokyo: { exit: true, ...relayHost } },
      peers: { desktop: { routeAll: true }, laptop: { routeAll: true, enabled: false } },
    }),
    issues: [
      leftOut("peers.laptop"),
      [
        "peers.desktop.routeAll",
        "warning",
        "covers IPv4 only: in a network that has IPv6, the device's IPv6 traffic goes past the tunnel",
        "give the network cidr6, and this peer and its relay address6; or set blockIpv6: true, so that it has no IPv6",
      ],
      [
        "peers.desktop.dns",
        "warning",
        "is missing: the device may ask the DNS server of the network that it is in, past the tunnel",
        "set it to a server that you trust, e.g. dns: [9.9.9.9]",
      ],
    ],
  },
  {
    title: "a device that asks its relay, because the network has a domain",
    raw: changed({
      network: { domain: "mesh.internal" },
      relays: { tokyo: { exit: true, ...relayHost } },
      peers: { desktop: { routeAll: true, blockIpv6: true } },
    }),
    issues: [],
  },
  {
    title: "a pushed host that leaves through an exit, with a check; its IPv6 does not pass it by",
    raw: changed({
      relays: { tokyo: { exit: true, exitCheck: ["9.9.9.9", "2620:fe::fe"], ...relayHost } },
      peers: { desktop: { routeAll: true, ...desktopHost } },
    }),
    issues: [],
  },
  {
    title: "a pushed host whose exit is not checked",
    raw: changed({
      relays: { tokyo: { exit: true, ...relayHost } },
      peers: { desktop: { routeAll: true, ...desktopHost } },
    }),
    issues: [
      [
        "peers.desktop.routeAll",
        "warning",
        "is tested only as far as the relay: if the exit does not let this host out, the push does not notice, and the host reaches only its own network and the tunnel",
        "name an address beyond the exit that answers a ping, e.g. relays.tokyo.exitCheck: 9.9.9.9",
      ],
    ],
  },
  {
    title: "a check without an exit, and inside of the tunnel",
    raw: changed({ relays: { tokyo: { exitCheck: "10.86.0.2", ...relayHost } } }),
    issues: [
      ["relays.tokyo.exitCheck", "error", "is for an exit", "set exit: true, or remove exitCheck"],
      [
        "relays.tokyo.exitCheck",
        "error",
        "10.86.0.2 is in the tunnel, not beyond the exit",
        "use an address on the internet that answers a ping, e.g. 9.9.9.9",
      ],
    ],
  },
  {
    title: "a pushed peer whose relay is no exit, with DNS servers",
    raw: changed({
      peers: {
        desktop: { routeAll: true, ...desktopHost, ...DNS },
      },
    }),
    issues: [
      [
        "peers.desktop.routeAll",
        "error",
        "its home relay, tokyo, is not an exit",
        "set relays.tokyo.exit: true, or name an exit as its relay",
      ],
      [
        "peers.desktop.dns",
        "error",
        "is for devices: the DNS servers of a host are not changed by a push",
        "remove dns, and set the servers on the host",
      ],
    ],
  },
  {
    title: "a device with an IPv6 address that is to have no IPv6",
    raw: changed({
      network: { cidr6: "fd5c:10::/64" },
      relays: { tokyo: { exit: true, address6: "fd5c:10::1", ...relayHost } },
      peers: {
        desktop: { routeAll: true, address6: "fd5c:10::2", ...SAFE },
        laptop: { address6: "fd5c:10::3" },
      },
    }),
    issues: [
      [
        "peers.desktop.blockIpv6",
        "error",
        "is for a peer without IPv6, and this one has an address6",
        "remove one of the two",
      ],
    ],
  },
  {
    title: "no relay to leave through",
    raw: changed({
      relays: undefined,
      peers: {
        desktop: { endpoint: "203.0.113.20:51820" },
        laptop: { routeAll: true, ...SAFE },
      },
    }),
    issues: [
      [
        "peers.laptop.routeAll",
        "error",
        "needs a relay that lets its traffic out, and there is none",
        "add a relay with exit: true, or remove routeAll",
      ],
    ],
  },
  {
    title:
      "an exit and a gateway that are not pushed to, masquerade without a LAN, and blockIpv6 alone",
    raw: changed({
      relays: { tokyo: { exit: true } },
      peers: {
        desktop: { subnets: ["192.168.10.0/24"], masquerade: true },
        laptop: { masquerade: true, blockIpv6: true },
      },
    }),
    issues: [
      ["peers.desktop.masquerade", "error", NO_HOST, HAND("masquerade")],
      [
        "peers.laptop.masquerade",
        "error",
        "is for a node with LANs behind it, and this one has no subnets",
        "add subnets, or remove masquerade",
      ],
      [
        "peers.laptop.blockIpv6",
        "error",
        "is for a peer with routeAll",
        "set routeAll: true, or remove blockIpv6",
      ],
      ["relays.tokyo.exit", "error", NO_HOST, HAND("exit")],
    ],
  },
];
