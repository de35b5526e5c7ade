/** The state of one node, as reported by its own host, or else by its neighbours' hosts. */
import type { Observation } from "../../mesh/host/observation";
import { formatNumericEndpoint } from "../../mesh/host/wireguard-state";
import { formatEndpoint } from "../../mesh/config/config";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { namesByKey } from "../../mesh/plan/rotation";
import type { HostAnswers } from "./query-hosts";
import type { LinkState, LinkStatus } from "./link-states";
import { handshakeAge, runningPeers, secondPeers } from "../../mesh/host/running-peers";

export interface PeerStatus {
  /** A node's name, or the public key of a peer that is not in the plan. */
  name: string;
  /** Seconds; null: none. The later one of both keys during a rotation. */
  handshakeAge: number | null;
  endpoint: string | null;
  /** Bytes, summed up over all its keys. */
  rx: number;
  tx: number;
}

export interface NodeState {
  /** How other nodes reach it: `direct`, or `through tokyo`. */
  path: string;
  /** `alive`: all of its tunnels are, `partly`: some are; otherwise the worst state of its tunnels. */
  state: LinkState | "partly" | "unlinked";
  tunnels: { alive: number; planned: number };
  /** Seconds since its last handshake; null: none, or unknown. */
  handshakeAge: number | null;
  /** Its outer address and port; null: unknown. */
  endpoint: string | null;
  /** Bytes, from the node's own point of view; null: unknown. */
  rx: number | null;
  tx: number | null;
}

/** The peers that a host reports, one for each node. */
export function peersOf(observed: Observation, { nodes, network }: Plan): PeerStatus[] {
  const names = namesByKey(nodes);
  const peers = new Map<string, PeerStatus>();
  for (const peer of [...runningPeers(observed, network.interface), ...secondPeers(observed)]) {
    const name = names.get(peer.publicKey) ?? peer.publicKey;
    const age = handshakeAge(peer.latestHandshake, observed);
    const endpoint = peer.endpoint === null ? null : formatNumericEndpoint(peer.endpoint);
    const one = { name, handshakeAge: age, endpoint, rx: peer.receivedBytes, tx: peer.sentBytes };
    peers.set(name, merged(peers.get(name), one));
  }
  return [...peers.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function merged(known: PeerStatus | undefined, other: PeerStatus): PeerStatus {
  if (known === undefined) return other;
  const [latest, former] = isLater(other, known) ? [other, known] : [known, other];
  return {
    ...latest,
    endpoint: latest.endpoint ?? former.endpoint,
    rx: known.rx + other.rx,
    tx: known.tx + other.tx,
  };
}

function isLater(one: PeerStatus, other: PeerStatus): boolean {
  return (one.handshakeAge ?? Infinity) < (other.handshakeAge ?? Infinity);
}

export function nodeState(
  node: NodePlan,
  plan: Plan,
  links: readonly LinkStatus[],
  answers: HostAnswers,
): NodeState {
  const { own, seen } = viewsOf(node, plan, answers);
  const tunnels = links.filter(({ a, b }) => a === node.name || b === node.name);
  const planned = plan.links.filter(({ a, b }) => a === node.name || b === node.name).length;
  const alive = tunnels.filter(({ state }) => state === "alive").length;
  const ages = tunnels.flatMap((link) => link.handshakeAge ?? []);
  return {
    path: pathOf(node, plan),
    state: stateOf(tunnels, alive, planned),
    tunnels: { alive, planned },
    handshakeAge: ages.length === 0 ? null : Math.min(...ages),
    endpoint: endpointOf(node, seen),
    rx: own === null ? sum(seen, ({ tx }) => tx) : sum(own, ({ rx }) => rx),
    tx: own === null ? sum(seen, ({ rx }) => rx) : sum(own, ({ tx }) => tx),
  };
}

interface Views {
  /** The peers that its own host reports; null if it was not reached. */
  own: PeerStatus[] | null;
  /** The node as its neighbours see it, the latest handshake first. */
  seen: PeerStatus[];
}

function viewsOf({ name, sections }: NodePlan, plan: Plan, answers: HostAnswers): Views {
  const answer = answers.get(name);
  const neighbours = [...new Set(sections.map((section) => section.name))];
  const seen = neighbours.flatMap((neighbour) => {
    const other = answers.get(neighbour);
    if (other?.reachable !== true) return [];
    return peersOf(other.observed, plan).filter((peer) => peer.name === name);
  });
  return {
    own: answer?.reachable === true ? peersOf(answer.observed, plan) : null,
    seen: seen.sort((a, b) => (isLater(a, b) ? -1 : 1)),
  };
}

function pathOf(node: NodePlan, { nodes }: Plan): string {
  if (node.kind === "relay" || node.endpoint !== null || node.relay === null) return "direct";
  const relay = nodes.find(({ name }) => name === node.relay);
  return relay === undefined ? "direct" : `through ${relay.name}`;
}

/** The order of precedence if no tunnel is alive. */
const STATES: readonly LinkState[] = ["dead", "idle", "away", "unknown"];

function stateOf(
  tunnels: readonly LinkStatus[],
  alive: number,
  planned: number,
): NodeState["state"] {
  if (planned === 0) return "unlinked";
  if (alive === planned) return "alive";
  if (alive > 0) return "partly";
  return STATES.find((state) => tunnels.some((link) => link.state === state)) ?? "unknown";
}

/** Where its neighbours reach it, else its planned endpoint. */
function endpointOf({ endpoint }: NodePlan, seen: readonly PeerStatus[]): string | null {
  const observed = seen.find((peer) => peer.handshakeAge !== null && peer.endpoint !== null);
  if (observed !== undefined) return observed.endpoint;
  const planned = endpoint === null ? "" : formatEndpoint(endpoint);
  return planned === "" || planned.includes("<") ? null : planned;
}

function sum(peers: readonly PeerStatus[], bytes: (peer: PeerStatus) => number): number | null {
  return peers.length === 0 ? null : peers.reduce((total, peer) => total + bytes(peer), 0);
}
