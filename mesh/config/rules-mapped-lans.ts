/** Rules about LANs that a gateway translates one to one. */
import { overlaps, type Prefix } from "../addresses";
import type { Subnet } from "./config";
import { hostsOf, lansOf, type Draft, type NodeDraft, type Tunnels } from "./draft";
import { innerPrefixes, tunnelRemedy } from "./inner-prefixes";
import { error, type Issue } from "./issue";

/** `tunnels` is null if the network's prefixes are invalid. */
export function mappedLanIssues(draft: Draft, tunnels: Tunnels | null): Issue[] {
  return draft.nodes.flatMap((node) =>
    (node.fields.subnets ?? []).flatMap((subnet, at) => {
      const { lan } = subnet;
      const path = `${node.path}.subnets[${at}]`;
      if (lan === undefined) return [];
      return [
        ...gatewayIssues(node, path),
        ...routedElsewhere(node, lan, path, draft, tunnels),
        ...listedTwice(node, subnet, lan, path),
      ];
    }),
  );
}

/** The issue for a mapped LAN that is named by its own prefix instead of its prefix in the network; null for other prefixes. */
export function ownPrefixIssue(path: string, text: string, lans: readonly Subnet[]): Issue | null {
  const mapped = lans.filter(({ lan }) => lan?.text === text);
  if (mapped.length === 0) return null;
  const remedy = `write ${mapped.map((subnet) => subnet.text).join(" or ")}`;
  return error(path, `${text} has another prefix in the network`, remedy);
}

function gatewayIssues(node: NodeDraft, path: string): Issue[] {
  if (node.kind === "relay") {
    const message = "is behind a relay, which does not translate addresses of a LAN";
    return [error(path, message, "make the gateway a peer, or renumber the LAN")];
  }
  if (hostsOf(node).length > 0) return [];
  const message = "needs a host: a push sets up the translation of addresses there";
  return [error(path, message, "add host: user@address, or renumber the LAN")];
}

/** The gateway would have two routes to one prefix: to its LAN and into the tunnel. */
function routedElsewhere(
  node: NodeDraft,
  lan: Prefix,
  path: string,
  { nodes }: Draft,
  tunnels: Tunnels | null,
): Issue[] {
  const { site } = node.fields;
  const isNear = (other: NodeDraft) => site !== undefined && other.fields.site === site;
  const far = nodes.filter((other) => other !== node && !isNear(other));
  const other = innerPrefixes(lansOf(far), tunnels).find(({ prefix }) => overlaps(prefix, lan));
  if (other === undefined) return [];
  const { label, prefix } = other;
  const remedy =
    label === "the tunnel"
      ? tunnelRemedy(lan)
      : "give that LAN another prefix in the network too: { lan: ..., as: ... }";
  return [error(path, `${lan.text} overlaps ${prefix.text}, ${label}`, remedy)];
}

function listedTwice(node: NodeDraft, subnet: Subnet, lan: Prefix, path: string): Issue[] {
  const others = (node.fields.subnets ?? []).filter((other) => other !== subnet);
  const own = others.flatMap((other) => [other, ...(other.lan === undefined ? [] : [other.lan])]);
  const twice = own.find((other) => overlaps(other, lan));
  if (twice === undefined) return [];
  return [error(path, `${lan.text} overlaps ${twice.text} of the same node`, "list it once")];
}
