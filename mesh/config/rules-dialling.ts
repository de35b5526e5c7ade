/** Rules about which nodes can be dialled: relays, endpoints, sites, keepalives. */
import { addressIn, contains, isDialable } from "../addresses";
import { formatEndpoint, type Endpoint } from "./config";
import { lansOf, type Draft, type NodeDraft, type Tunnels } from "./draft";
import { innerPrefixes } from "./inner-prefixes";
import { error, warning, type Issue } from "./issue";
import { directHost, unknownRelay } from "./rules-hosts";
import { networkDefaults } from "./shapes";

/** `tunnels` is null if the network's prefixes are invalid. */
export function diallingIssues(draft: Draft, tunnels: Tunnels | null): Issue[] {
  const active = draft.nodes.filter((node) => node.active);
  const relays = active.filter((node) => node.kind === "relay");
  const places = active.flatMap((node) => placesOf(node, draft));
  return [
    ...relays.flatMap(undialableRelay),
    ...active.flatMap((node) => homeRelayIssues(node, draft)),
    ...draft.nodes.flatMap(siteIssues),
    ...sameEndpoint(places),
    ...places.flatMap((place) => endpointInside(place, active, tunnels)),
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
  const host = directHost(relay);
  if (relay.fields.endpoint !== undefined || (host && isDialable(host.address))) return [];
  const remedy = `add endpoint: "ADDRESS:PORT", the address and UDP port at which peers reach it`;
  const why = host === undefined ? "this relay" : `its host, ${host.address}`;
  return [error(`${relay.path}.endpoint`, `is missing: no node could dial ${why}`, remedy)];
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
    : [
        error(
          path,
          `${name} is left out (disabled or expired)`,
          `correct enabled or expires of relays.${name}, or name another relay`,
        ),
      ];
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

/** Where a node is dialled: by all nodes at its `endpoint`, by those of its site at its `siteEndpoint`. */
interface Place {
  node: NodeDraft;
  key: "endpoint" | "siteEndpoint";
  endpoint: Endpoint;
  /** Null: by all nodes. */
  site: string | null;
}

function placesOf(node: NodeDraft, draft: Draft): Place[] {
  const { site, siteEndpoint } = node.fields;
  const endpoint = endpointOf(node, draft);
  const everywhere = endpoint === null ? [] : [{ key: "endpoint", endpoint, site: null } as const];
  const here =
    siteEndpoint === undefined || site === undefined
      ? []
      : [{ key: "siteEndpoint", endpoint: siteEndpoint, site } as const];
  return [...everywhere, ...here].map((place) => ({ node, ...place }));
}

/** Two sites may use the same addresses. Reports each duplicate at the later node, by name. */
function sameEndpoint(places: Place[]): Issue[] {
  const seen = new Map<string, Place[]>();
  return places.flatMap((place) => {
    const { node, key, endpoint, site } = place;
    const text = formatEndpoint(endpoint);
    const others = seen.get(text) ?? [];
    seen.set(text, [...others, place]);
    const holder = others.find(
      (other) =>
        other.node !== node && (site === null || other.site === null || other.site === site),
    );
    if (holder === undefined) return [];
    const remedy = `only one can answer there: give one of the two another listenPort and ${key}`;
    const message = `${text} is also the ${holder.key} of ${holder.node.path}`;
    return [error(`${node.path}.${key}`, message, remedy)];
  });
}

/** Packets to an endpoint inside the tunnel would be routed into the tunnel. Nodes of one site reach its LANs without it. */
function endpointInside(
  { node, key, endpoint, site }: Place,
  nodes: NodeDraft[],
  tunnels: Tunnels | null,
): Issue[] {
  const address = addressIn(endpoint.host);
  if (address === null) return [];
  const gateways = nodes.filter(({ fields }) => site === null || fields.site !== site);
  const inner = innerPrefixes(lansOf(gateways), tunnels);
  const around = inner.find(({ prefix }) => contains(prefix, address));
  if (around === undefined) return [];
  const message = `${formatEndpoint(endpoint)} is in ${around.label} (${around.prefix.text})`;
  const isLan = key === "siteEndpoint" && around.label !== "the tunnel";
  return [error(`${node.path}.${key}`, message, isLan ? OTHER_LAN : OTHER_ADDRESS)];
}

const OTHER_ADDRESS =
  "the tunnel would be routed through itself: use the machine's address on the outer network";
const OTHER_LAN =
  "the tunnel would be routed through itself: renumber one of the two LANs, or give both nodes the same site if it is one LAN";

/** Behind NAT, a node without keepalives cannot be reached until it sends a packet itself. */
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
