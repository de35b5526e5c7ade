/** Rules about tunnel addresses and LANs: inside the network, unique, disjoint. */
import {
  contains,
  isPublic,
  overlaps,
  reservedAddresses,
  specialIn,
  type Prefix,
} from "../addresses";
import { tunnelPrefixes } from "./config";
import type { Draft, NodeDraft, Tunnels } from "./draft";
import { tunnelRemedy } from "./inner-prefixes";
import { error, warning, type Issue } from "./issue";

/** `tunnels` is null if the network's prefixes are invalid; then rules that depend on them are skipped. */
export function addressIssues(draft: Draft, tunnels: Tunnels | null): Issue[] {
  return [
    ...(["cidr", "cidr6"] as const).flatMap((key) =>
      prefixIssues(`network.${key}`, draft.network[key]),
    ),
    ...(tunnels === null ? [] : tunnelIssues(draft.nodes, tunnels)),
    ...duplicates(draft.nodes, "address", (node) => node.fields.address?.text),
    ...duplicates(draft.nodes, "address6", (node) => node.fields.address6?.text),
    ...subnetIssues(draft, tunnels),
    ...mtuIssues(draft),
  ];
}

/** Checks a tunnel prefix or a LAN. */
function prefixIssues(path: string, prefix: Prefix | undefined): Issue[] {
  if (prefix === undefined) return [];
  const example = prefix.family === 4 ? "10.86.0.0/24" : "fd5c:10::/64";
  const special = specialIn(prefix);
  if (special !== null) {
    const message = `${prefix.text} overlaps ${special.text} (${special.what})`;
    return [error(path, message, `use a private prefix, e.g. ${example}`)];
  }
  if (!isPublic(prefix)) return [];
  const message = `${prefix.text} is public: nodes that route it into the tunnel cannot reach its owner`;
  const remedy = `nothing to do if these addresses are yours; else use a private prefix, e.g. ${example}`;
  return [warning(path, message, remedy)];
}

function tunnelIssues(nodes: NodeDraft[], { cidr, cidr6 }: Tunnels): Issue[] {
  return [
    ...nodes.flatMap((node) => outside(node, "address", cidr)),
    ...nodes.flatMap((node) => (cidr6 ? outside(node, "address6", cidr6) : noCidr6(node))),
    ...(cidr6 ? nodes.flatMap(noAddress6) : []),
  ];
}

function outside(node: NodeDraft, key: "address" | "address6", cidr: Prefix): Issue[] {
  const address = node.fields[key];
  if (address === undefined) return [];
  const path = `${node.path}.${key}`;
  if (!contains(cidr, address)) {
    const remedy = `choose a free address inside it; \`npx wireguard-mesh add-peer\` finds the next one`;
    return [error(path, `${address.text} is outside the network ${cidr.text}`, remedy)];
  }
  const reserved = reservedAddresses(cidr).findIndex((taken) => taken.text === address.text);
  if (reserved < 0) return [];
  const what = reserved === 0 ? "network" : "broadcast";
  return [
    error(path, `${address.text} is the ${what} address of ${cidr.text}`, "choose another address"),
  ];
}

function noCidr6(node: NodeDraft): Issue[] {
  if (node.fields.address6 === undefined) return [];
  const remedy =
    "set it, e.g. npx pulumi config set --path wireguard-mesh:network.cidr6 fd5c:10::/64";
  return [error(`${node.path}.address6`, "needs network.cidr6, which is not set", remedy)];
}

function noAddress6(node: NodeDraft): Issue[] {
  if (node.fields.address6 !== undefined || !node.active) return [];
  return [
    warning(
      `${node.path}.address6`,
      "is missing: no node can reach this one over IPv6",
      "add a free address in cidr6",
    ),
  ];
}

/** Reports each duplicate at the later node, by name. */
function duplicates(
  nodes: NodeDraft[],
  key: "address" | "address6",
  valueOf: (node: NodeDraft) => string | undefined,
): Issue[] {
  const first = new Map<string, NodeDraft>();
  return nodes.flatMap((node) => {
    const value = valueOf(node);
    if (value === undefined) return [];
    const holder = first.get(value);
    if (holder === undefined) first.set(value, node);
    if (holder === undefined) return [];
    const path = `${node.path}.${key}`;
    return [
      error(
        path,
        `${value} is also the address of ${holder.path}`,
        "give one of the two another address",
      ),
    ];
  });
}

function subnetIssues(draft: Draft, tunnels: Tunnels | null): Issue[] {
  const seen: { owner: string; prefix: Prefix }[] = [];
  return draft.nodes.flatMap((node) =>
    (node.fields.subnets ?? []).flatMap((prefix, index) => {
      const path = `${node.path}.subnets[${index}]`;
      const inTunnel = tunnels === null ? [] : subnetInTunnel(path, prefix, node, tunnels);
      const found =
        inTunnel.length > 0
          ? inTunnel
          : [...prefixIssues(path, prefix), ...overlappingSubnet(path, prefix, seen)];
      seen.push({ owner: path, prefix });
      return found;
    }),
  );
}

function subnetInTunnel(path: string, prefix: Prefix, node: NodeDraft, tunnels: Tunnels): Issue[] {
  if (prefix.length === 0) {
    const remedy =
      "set routeAll: true on the peers whose traffic should leave through a relay, and exit: true on that relay";
    return [error(path, "is the whole internet, not a LAN", remedy)];
  }
  if (prefix.family === 6 && tunnels.cidr6 === null) {
    const remedy = "set network.cidr6, and address6 for each node that should reach it";
    return [error(path, `${prefix.text} needs a network with IPv6 addresses`, remedy)];
  }
  if (prefix.family === 6 && node.fields.address6 === undefined) {
    const message = `${prefix.text} is IPv6, but ${node.path} has no address6`;
    return [error(path, message, "add address6, a free address in cidr6")];
  }
  const tunnel = tunnelPrefixes(tunnels).find((own) => overlaps(own, prefix));
  if (tunnel === undefined) return [];
  const message = `${prefix.text} overlaps the tunnel's ${tunnel.text}`;
  return [error(path, message, tunnelRemedy(prefix))];
}

function overlappingSubnet(
  path: string,
  prefix: Prefix,
  seen: { owner: string; prefix: Prefix }[],
): Issue[] {
  const other = seen.find((candidate) => overlaps(candidate.prefix, prefix));
  if (other === undefined) return [];
  const remedy =
    "WireGuard can route an address to one node only: list it once, or, for LANs at two places, give each a prefix of its own in the network: { lan: ..., as: ... }";
  return [error(path, `${prefix.text} overlaps ${other.prefix.text} of ${other.owner}`, remedy)];
}

/** IPv6 needs an MTU of 1280 (RFC 8200, section 5); below that the kernel removes it from the interface. */
function mtuIssues(draft: Draft): Issue[] {
  if (!draft.network.cidr6) return [];
  const places = [{ path: "network", fields: draft.network }, ...draft.nodes];
  return places.flatMap(({ path, fields }) =>
    fields.mtu === undefined || fields.mtu >= 1280
      ? []
      : [
          error(
            `${path}.mtu`,
            `${fields.mtu} is too small for IPv6`,
            "use 1280 or more, e.g. 1420",
          ),
        ],
  );
}
