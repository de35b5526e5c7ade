/** Random networks with a policy, on which every rule and every kind of link occurs. */
import fc from "fast-check";
import { hostKeyLine } from "./key-pairs";
import { networks, type RawNetwork, type RawNode } from "./networks";

export interface RawRule {
  from: string[];
  to: string[];
  ports?: string[];
}

/** Policies over a network's names, tags and LANs that allow nothing between pairs without a path. */
export const limitedNetworks: fc.Arbitrary<RawNetwork> = networks
  .map(enforceable)
  .chain((raw) => policies(raw).map((policy) => ({ ...raw, policy })));

export function policies(raw: RawNetwork): fc.Arbitrary<RawRule[]> {
  const nodes = { ...raw.relays, ...raw.peers };
  const tags = Object.values(nodes).flatMap((node) => listOf(node["tags"]));
  const lans = Object.values(nodes).flatMap((node) => listOf(node["subnets"]));
  const all = [
    ...new Set([...Object.keys(nodes), ...tags.map((tag) => `tag:${tag}`), ...lans, "*"]),
  ];
  const selectors = fc.uniqueArray(fc.constantFrom(...all), { minLength: 1, maxLength: 3 });
  const ports = fc.uniqueArray(
    fc.constantFrom("tcp/22", "tcp/443", "udp/53", "tcp/8000-8100", "tcp/8050-8200"),
    { minLength: 1, maxLength: 3 },
  );
  const rule = fc.record(
    { from: selectors, to: selectors, ports },
    { requiredKeys: ["from", "to"] },
  );
  return fc.array(rule, { maxLength: 4 });
}

/** Relays, and without a relay all peers, are pushed to: otherwise nothing could enforce a policy. */
function enforceable(raw: RawNetwork): RawNetwork {
  const pushed = (nodes: Record<string, RawNode>) =>
    Object.fromEntries(
      Object.entries(nodes).map(([name, node], at) => [
        name,
        "host" in node
          ? node
          : { ...node, host: `root@198.18.0.${at + 1}`, hostKey: hostKeyLine(at) },
      ]),
    );
  return Object.keys(raw.relays).length > 0
    ? { ...raw, relays: pushed(raw.relays) }
    : { ...raw, peers: pushed(raw.peers) };
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
