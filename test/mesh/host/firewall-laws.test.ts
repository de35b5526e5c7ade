/** Findings about random packet filters, compared with the verdicts on single packets. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { firewallFindings, type TunnelNeeds } from "../../../mesh/host/firewall";
import {
  filters,
  linesOf,
  passes,
  type ConcretePacket,
  type Dialect,
  type Filter,
  type Match,
} from "../../support/filter-rules";

const NOTHING: TunnelNeeds = {
  interface: "wg0",
  listenPort: null,
  outerDevice: "eth0",
  forwards: false,
  forwards6: false,
  tunnel: [],
};
const LISTENS: TunnelNeeds = { ...NOTHING, listenPort: 51820 };
const FORWARDS: TunnelNeeds = { ...NOTHING, forwards: true };
const PINGED: TunnelNeeds = { ...NOTHING, tunnel: ["100.64.7.64/26"] };

const all: Match["field"][] = [
  "input",
  "output",
  "protocol",
  "udp",
  "tcp",
  "ping",
  "source",
  "state",
  "mark",
];
/** Those for which it is known whether they match each packet. */
const decided: Match["field"][] = ["input", "protocol", "udp", "tcp", "ping", "state"];
const dialects: Dialect[] = ["nft", "iptables"];

function found(filter: Filter, dialect: Dialect, needs: TunnelNeeds): string[] {
  const hook = needs.forwards ? "forward" : "input";
  const lines = linesOf(filter, hook, dialect);
  const output = dialect === "nft" ? { nft: lines, iptables: [] } : { nft: [], iptables: lines };
  return firewallFindings(output, needs).map(({ blocked }) => blocked);
}

const packet: ConcretePacket = {
  input: "wg0",
  output: "eth0",
  protocol: "udp",
  detail: "51820",
  source: "203.0.113.9",
  state: "new",
  mark: "0",
};
const dialled: ConcretePacket = { ...packet, input: "eth0" };
const ping: ConcretePacket = {
  ...packet,
  protocol: "icmp",
  detail: "echo-request",
  source: "100.64.7.65",
};
const marks = ["0", "0x00000001", "0x00000002"];
const ports = ["22", "53", "443", "1024", "51820"];

/** The packet with every mark, and by every outgoing interface. */
function variants(one: ConcretePacket, outputs = ["eth0", "docker0", "wg0"]): ConcretePacket[] {
  return outputs.flatMap((output) => marks.map((mark) => ({ ...one, output, mark })));
}

function ofAnyPort(one: ConcretePacket): ConcretePacket[] {
  const protocols = ["udp", "tcp"] as const;
  return protocols.flatMap((protocol) => ports.map((detail) => ({ ...one, protocol, detail })));
}

const laws: [string, TunnelNeeds, string, ConcretePacket[]][] = [
  ["a port", LISTENS, "port", variants(dialled)],
  [
    "forwarding",
    FORWARDS,
    "forwarding",
    ["203.0.113.9", "10.0.0.1", "100.64.7.1", "100.64.7.200"]
      .flatMap((source) => ofAnyPort({ ...packet, source }))
      .flatMap((one) => variants(one, ["wg0"])),
  ],
  ["pings out of the tunnel", PINGED, "pings", variants(ping)],
  ["the tunnel", PINGED, "tunnel", [ping, ...ofAnyPort(ping)].flatMap((one) => variants(one))],
];

describe("a finding about a packet filter", () => {
  for (const dialect of dialects) {
    for (const [what, needs, blocked, packets] of laws) {
      it(`is true: no packet passes (${what}, ${dialect})`, () => {
        let seen = 0;
        fc.assert(
          fc.property(filters(all, dialect), (filter) => {
            if (!found(filter, dialect, needs).includes(blocked)) return;
            seen++;
            assert.deepEqual(
              packets.filter((one) => passes(one, filter)),
              [],
            );
          }),
          { numRuns: 600 },
        );
        assert.ok(seen > 5, `only ${seen} of 600 filters gave a finding`);
      });
    }

    const exact: [string, TunnelNeeds, ConcretePacket, Match["field"][]][] = [
      ["a port", LISTENS, dialled, decided],
      ["pings out of the tunnel", PINGED, ping, [...decided, "source"]],
    ];
    for (const [what, needs, one, fields] of exact) {
      it(`is made wherever the packet is dropped, if each rule is understood (${what}, ${dialect})`, () => {
        fc.assert(
          fc.property(filters(fields, dialect), (filter) => {
            assert.equal(found(filter, dialect, needs).length > 0, !passes(one, filter));
          }),
          { numRuns: 600 },
        );
      });
    }
  }
});
