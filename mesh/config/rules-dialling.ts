/** Rules about which nodes can be dialled: relays, endpoints, sites, keepalives. */
import { addressIn, contains } from "../addresses";
import { formatEndpoint, type Endpoint } from "./config";
import { lansOf, networkDefaults, type Draft, type NodeDraft, type Tunnels } from "./draft";
import { innerPrefixes, type InnerPrefix } from "./inner-prefixes";
import { error, warning, type Issue } from "./issue";
import { directHost, unknownRelay } from "./rules-hosts";

/** `tunnels` is null if the network's prefixes are invalid. */
export function diallingIssues(draft: Draft, tunnels: Tunnels | null): Issue[] {
  const active = draft.nodes.filter((node) => node.active);
  const relays = active.filter((node) => node.kind === "relay");
  const inner = innerPrefixes(lansOf(active), tunnels);
  return [
    ...relays.flatMap(undialableRelay),
    ...active.flatMap((node) => homeRelayIssues(node, draft)),
    ...draft.nodes.flatMap(siteIssues),
    ...sameEndpoint(draft),
    ...active.flatMap((node) => endpointInside(node, draft, inner)),
    ...active.flatMap((node) => keepaliveOff(node, draft)),
  ];
}

/** Where every node can dial this one: its `endpoint`, else for a relay its SSH address with its listen port; or null. */
export function endpointOf(node: NodeDraft, draft: Draft): Endpoint | null {
  if (node.fields.endpoint !== undefined) return node.fields.endpoint;
  if (node.kind === "peer") return null;
  const host = directHost(node);
  return host === undefined ? null : { host: host.address, port: listenPortOf(node, draft) };
}

/** The listen port of a node that can be dialled. */
export function listenPortOf(node: NodeDraft, draft: Draft): number {
  return node.fields.listenPort ?? draft.network.listenPort ?? networkDefaults.listenPort;
}

function undialableRelay(relay: NodeDraft): Issue[] {
  if (relay.fields.endpoint !== undefined || directHost(relay) !== undefined) return [];
  const remedy = `add endpoint: "ADDRESS:PORT", the address and UDP port at which peers reach it`;
  return [error(`${relay.path}.endpoint`, "is missing: no node could dial this relay", remedy)];
}

function homeRelayIssues(node: NodeDraft, draft: Draft): Issue[] {
  const name = node.fields.relay;
  if (name === undefined) return [];
  const path = `${node.path}.relay`;
  const relays = draft.nodes.filter((candidate) => candidate.kind === "relay");
  const relay = relays.find((candidate) => candidate.name === name);
  if (relay === undefined) return [unknownRelay(path, name, relays)];
  return relay.active
    ? []
    : [error(path, `${name} is disabled`, `enable relays.${name}, or name another relay`)];
}

function siteIssues(node: NodeDraft): Issue[] {
  if (node.fields.siteEndpoint === undefined || node.fields.site !== undefined) return [];
  return [
    error(
      `${node.path}.site`,
      "is missing: siteEndpoint is for nodes of one site",
      "add site: NAME",
    ),
  ];
}

function sameEndpoint(draft: Draft): Issue[] {
  const first = new Map<string, NodeDraft>();
  return draft.nodes.flatMap((node) => {
    const endpoint = endpointOf(node, draft);
    if (endpoint === null || !node.active) return [];
    const text = formatEndpoint(endpoint);
    const holder = first.get(text);
    if (holder === undefined) first.set(text, node);
    if (holder === undefined) return [];
    const remedy = "only one can answer there: give one of the two another listenPort and endpoint";
    return [
      error(`${node.path}.endpoint`, `${text} is also the endpoint of ${holder.path}`, remedy),
    ];
  });
}

/** A tunnel whose own packets are routed into it carries nothing. */
function endpointInside(node: NodeDraft, draft: Draft, inner: InnerPrefix[]): Issue[] {
  const endpoint = endpointOf(node, draft);
  const address = endpoint === null ? null : addressIn(endpoint.host);
  if (endpoint === null || address === null) return [];
  const around = inner.find(({ prefix }) => contains(prefix, address));
  if (around === undefined) return [];
  const message = `${formatEndpoint(endpoint)} is in ${around.of} (${around.prefix.text})`;
  const remedy =
    "the tunnel would be routed through itself: use the machine's address on the outer network";
  return [error(`${node.path}.endpoint`, message, remedy)];
}

/** Behind NAT, such a node cannot be reached until it sends a packet itself. */
function keepaliveOff(node: NodeDraft, draft: Draft): Issue[] {
  const { fields, path } = node;
  const inherited = draft.network.persistentKeepalive ?? networkDefaults.persistentKeepalive;
  if (endpointOf(node, draft) !== null || (fields.persistentKeepalive ?? inherited) !== 0)
    return [];
  const message =
    "is 0, but no node can dial this one: behind NAT it cannot be reached until it sends a packet itself";
  const remedy = "set it to 25, or give the node an endpoint";
  return [warning(`${path}.persistentKeepalive`, message, remedy)];
}
