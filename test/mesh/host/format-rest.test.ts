/** The text of rare differences. */
import assert from "node:assert/strict";
import type { Difference } from "../../../mesh/host/difference";
import { formatDifference } from "../../../mesh/host/format-difference";
import { IFACE } from "./support/observe";

describe("the text of a rare difference", () => {
  it("says what a push would change", () => {
    const rest: [Difference, string][] = [
      [
        { kind: "rule", family: 6, is: "missing", priority: 5182, selector: "table 5182" },
        "the IPv6 rule for rotating keys is missing",
      ],
      [
        { kind: "rule", family: 4, is: "missing", priority: 1, selector: "not fwmark 0x1 table 2" },
        "the IPv4 rule that leads into the tunnel (not fwmark 0x1 table 2) is missing",
      ],
      [
        { kind: "mark", interface: "wg0", is: null, wanted: "0xca6c" },
        "mark of its own packets is off, planned is 0xca6c",
      ],
      [
        { kind: "sysctl", key: "net/ipv4/ip_forward", is: "1", wanted: "0" },
        "it forwards IPv4, which is not in the plan",
      ],
      [
        { kind: "sysctl", key: "net/ipv6/conf/eth0.5/accept_ra", is: "1", wanted: "2" },
        "accept_ra of eth0.5 is 1: a host that forwards would lose its IPv6 default route",
      ],
      [
        { kind: "sysctl", key: "net/ipv4/conf/wg0/rp_filter", is: "1", wanted: "2" },
        "net/ipv4/conf/wg0/rp_filter is 1, planned is 2",
      ],
      [{ kind: "watcher", is: "other" }, "the watcher of the rotating keys follows other keys"],
      [
        { kind: "session", interface: "wg0", publicKey: "K" },
        "the machine of peer K was replaced: it needs a new handshake",
      ],
      [
        { kind: "preshared-key", interface: "wg0", publicKey: "K", is: "other" },
        "preshared key of peer K is another one",
      ],
      [{ kind: "file", path: "/x", is: "extra" }, "/x is not in the plan"],
      [
        { kind: "owner-mark", is: "other" },
        "its owner mark has another name of the node or of its machine",
      ],
      [
        { kind: "owner-mark", is: "missing" },
        "wg0 has no owner mark: wireguard-mesh did not set it up; it has this node's key, so the next push takes it over",
      ],
      [{ kind: "record", is: "older-format" }, "its records are those of an older version"],
    ];
    for (const [difference, expected] of rest) {
      assert.equal(formatDifference(difference, new Map(), IFACE), expected);
    }
  });
});
