/** The running network, compared with the plan: as a report and as text. */
import pc from "picocolors";
import { hostNotes, standingNotes } from "../../../mesh/host/notes";
import type { Observation } from "../../../mesh/host/observation";
import { formatNumericEndpoint } from "../../../mesh/host/wireguard-state";
import type { NodePlan, Plan } from "../../../mesh/plan/plan";
import { namesByKey } from "../../../mesh/plan/rotation";
import { driftText, formatAge } from "../../cli/report-text";
import { formatTable } from "../../cli/table";
import type { HostAnswer, HostAnswers } from "../../stack/ask-hosts";
import { driftOf } from "../../stack/drift";
import { linkStates, type LinkStatus } from "../../stack/link-states";
import { plannedState, type Planned } from "../../stack/planned-state";
import { handshakeAge, runningPeers } from "../../stack/running-peers";

interface StatusReport {
  /** Every asked host was reached and matches the plan, and no link is dead. */
  ok: boolean;
  nodes: Record<string, NodeStatus>;
  links: LinkStatus[];
}

interface NodeStatus {
  /** Null: a node that is not pushed to cannot be asked. */
  reachable: boolean | null;
  through: string | null;
  /** Why it was not reached. */
  cause?: string;
  interface: InterfaceStatus | null;
  peers: PeerStatus[];
  /** The differences from the plan, one line each. */
  drift: string[];
  /** Hints from the host, such as a firewall that blocks the port. */
  notes: string[];
}

interface InterfaceStatus {
  name: string;
  state: "up" | "down" | "missing";
  backend: "kernel" | "userspace" | null;
  publicKey: string | null;
  listenPort: number | null;
  mtu: number | null;
  addresses: string[];
}

interface PeerStatus {
  /** A node's name, or the public key of a peer that is not in the plan. */
  name: string;
  handshakeAge: number | null;
  endpoint: string | null;
  /** Bytes. */
  rx: number;
  tx: number;
}

export function statusReport(
  nodes: readonly NodePlan[],
  planned: Planned,
  answers: HostAnswers,
): StatusReport {
  const reports = nodes.map(
    (node) => [node.name, nodeStatus(node, planned, answers.get(node.name))] as const,
  );
  const links = linkStates(planned.plan, answers);
  const asPlanned = reports.every(
    ([, { reachable, drift }]) => reachable !== false && drift.length === 0,
  );
  return {
    ok: asPlanned && links.every((link) => link.state !== "dead"),
    nodes: Object.fromEntries(reports),
    links,
  };
}

function nodeStatus(node: NodePlan, planned: Planned, answer: HostAnswer | undefined): NodeStatus {
  const nothing = { through: null, interface: null, peers: [], drift: [], notes: [] };
  if (answer === undefined) return { reachable: null, ...nothing };
  if (!answer.reachable) return { reachable: false, ...nothing, cause: answer.cause };
  const { observed, through, askedAt } = answer;
  const wanted = plannedState(node, planned, "");
  return {
    reachable: true,
    through,
    interface: interfaceStatus(observed, planned.plan.network.interface),
    peers: peerStatus(observed, planned.plan),
    drift: driftOf(node, planned, observed),
    notes: [...standingNotes(observed, wanted), ...hostNotes(observed, wanted, askedAt)],
  };
}

function interfaceStatus(observed: Observation, name: string): InterfaceStatus {
  const link = observed.network.links.get(name);
  const device = observed.devices.get(name);
  const type = observed.deviceTypes.get(name);
  return {
    name,
    state: link === undefined ? "missing" : link.up ? "up" : "down",
    backend: link === undefined ? null : type === "wireguard" ? "kernel" : "userspace",
    publicKey: device?.publicKey ?? null,
    listenPort: device?.listenPort ?? null,
    mtu: link?.mtu ?? null,
    addresses: link?.addresses ?? [],
  };
}

function peerStatus(observed: Observation, { nodes, network }: Plan): PeerStatus[] {
  const names = namesByKey(nodes);
  return runningPeers(observed, network.interface)
    .map((peer) => ({
      name: names.get(peer.publicKey) ?? peer.publicKey,
      handshakeAge: handshakeAge(peer.latestHandshake, observed),
      endpoint: peer.endpoint === null ? null : formatNumericEndpoint(peer.endpoint),
      rx: peer.receivedBytes,
      tx: peer.sentBytes,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function statusText({ nodes, links }: StatusReport): string {
  const rows = Object.entries(nodes).flatMap(([name, node]) => nodeRows(name, node, links));
  const head = ["NODE", "REACHED", "PEER", "LINK", "HANDSHAKE", "ENDPOINT", "RECEIVED", "SENT"];
  return [formatTable(head, rows), ...Object.entries(nodes).flatMap(findings)].join("\n");
}

function nodeRows(name: string, node: NodeStatus, links: LinkStatus[]): string[][] {
  const reached = reachedText(node);
  if (node.peers.length === 0) return [[name, reached, "-", "-", "-", "-", "-", "-"]];
  return node.peers.map((peer, at) => [
    at === 0 ? name : "",
    at === 0 ? reached : "",
    peer.name,
    stateText(links.find(({ a, b }) => [a, b].sort().join() === [name, peer.name].sort().join())),
    peer.handshakeAge === null ? "none" : `${formatAge(peer.handshakeAge)} ago`,
    peer.endpoint ?? "-",
    formatBytes(peer.rx),
    formatBytes(peer.tx),
  ]);
}

function reachedText({ reachable, through }: NodeStatus): string {
  if (reachable === null) return "no host";
  return reachable ? (through ?? "") : pc.red("not reached");
}

function stateText(link: LinkStatus | undefined): string {
  if (link === undefined) return pc.yellow("not planned");
  return link.state === "dead" ? pc.red("dead") : link.state;
}

function findings([name, status]: [string, NodeStatus]): string[] {
  const { cause, drift, notes } = status;
  return [
    ...(cause === undefined ? [] : [`\n${pc.red(name)}: ${cause}`]),
    ...notes.map((note) => `\n${pc.yellow(name)}: ${note}`),
    ...(drift.length === 0
      ? []
      : [
          `\n${driftText(name, drift)}`,
          "  If the plan is newer than the last up: npx wireguard-mesh up",
          `  Otherwise it was changed by hand, or set back to an older state; to undo that: npx wireguard-mesh repush ${name}`,
        ]),
  ];
}

/** Binary units, as wg(8) shows transfer. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power] ?? "B"}`;
}
