/** Rules about the ranges of relays' peers: inside the network and disjoint. */
import { encloses, overlaps, type Prefix } from "../addresses";
import type { Draft, Tunnels } from "./draft";
import { error, type Issue } from "./issue";

/** The config key of a range, and that of the network's prefix around it. */
const RANGE_KEYS = [
  { key: "peersCidr", around: "cidr" },
  { key: "peersCidr6", around: "cidr6" },
] as const;

/** `tunnels` is null if the network's prefixes are invalid; then they are not compared with the ranges. */
export function rangeIssues({ nodes }: Draft, tunnels: Tunnels | null): Issue[] {
  const seen: { path: string; range: Prefix }[] = [];
  return nodes.flatMap((node) =>
    RANGE_KEYS.flatMap(({ key, around }) => {
      const range = node.fields[key];
      if (range === undefined) return [];
      const path = `${node.path}.${key}`;
      const other = seen.find((earlier) => overlaps(earlier.range, range));
      seen.push({ path, range });
      return [
        ...(tunnels === null ? [] : outside(path, range, tunnels[around])),
        ...(other === undefined ? [] : [shared(path, range, other)]),
      ];
    }),
  );
}

function outside(path: string, range: Prefix, network: Prefix | null): Issue[] {
  if (network === null) {
    const remedy =
      "set it, e.g. npx pulumi config set --path wireguard-mesh:network.cidr6 fd5c:10::/48";
    return [error(path, "needs network.cidr6, which is not set", remedy)];
  }
  if (encloses(network, range)) return [];
  const message = `${range.text} is not inside the network ${network.text}`;
  return [error(path, message, "choose a part of it, or a larger network")];
}

/** Other relays could not route an address that is in both ranges. */
function shared(path: string, range: Prefix, other: { path: string; range: Prefix }): Issue {
  const message = `${range.text} overlaps ${other.range.text} of ${other.path}`;
  return error(path, message, "give each relay a part of the network of its own");
}
