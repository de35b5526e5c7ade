/** The running network, compared with the plan. */
import { hostNotes, standingNotes } from "../../../mesh/host/notes";
import type { Observation } from "../../../mesh/host/observation";
import { lastingRefusal } from "../../../mesh/host/refusals";
import type { Wanted } from "../../../mesh/host/wanted";
import type { NodePlan } from "../../../mesh/plan/plan";
import type { HostAnswers } from "../../stack/query-hosts";
import { withNames } from "../../push/apply-messages";
import { driftOf } from "../../stack/drift";
import { linkStates, type LinkStatus } from "../../stack/link-states";
import { nodeState, peersOf, type NodeState, type PeerStatus } from "../../stack/node-state";
import { plannedState, type Planned } from "../../stack/planned-state";

export interface StatusReport {
  /** Every queried host was reached and matches the plan, and no link is dead. */
  ok: boolean;
  nodes: Record<string, NodeStatus>;
  links: LinkStatus[];
  /** Counts the planned links between the reported nodes and their neighbours. */
  tunnels: { alive: number; planned: number };
}

export interface NodeStatus extends NodeState {
  /** Null for a node without a host. */
  reachable: boolean | null;
  through: string | null;
  /** Why it was not reached. */
  cause?: string;
  interface: InterfaceStatus | null;
  peers: PeerStatus[];
  /** The differences from the plan, one line each. */
  drift: string[];
  /** What to do about them, a line each. */
  remedies: string[];
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

/** `nodes`: the nodes to report. */
export function statusReport(
  nodes: readonly NodePlan[],
  planned: Planned,
  answers: HostAnswers,
): StatusReport {
  const names = new Set(nodes.map(({ name }) => name));
  const isReported = ({ a, b }: { a: string; b: string }) => names.has(a) || names.has(b);
  const links = linkStates(planned.plan, answers).filter(isReported);
  const reports = nodes.map(
    (node) => [node.name, nodeStatus(node, planned, links, answers)] as const,
  );
  const asPlanned = reports.every(
    ([, { reachable, drift }]) => reachable !== false && drift.length === 0,
  );
  return {
    ok: asPlanned && links.every((link) => link.state !== "dead"),
    nodes: Object.fromEntries(reports),
    links,
    tunnels: {
      alive: links.filter(({ state }) => state === "alive").length,
      planned: planned.plan.links.filter(isReported).length,
    },
  };
}

function nodeStatus(
  node: NodePlan,
  planned: Planned,
  links: readonly LinkStatus[],
  answers: HostAnswers,
): NodeStatus {
  const { plan } = planned;
  const state = nodeState(node, plan, links, answers);
  const nothing = {
    ...state,
    through: null,
    interface: null,
    peers: [],
    drift: [],
    remedies: [],
    notes: [],
  };
  const answer = answers.get(node.name);
  if (answer === undefined) return { ...nothing, reachable: null };
  if (!answer.reachable) return { ...nothing, reachable: false, cause: answer.cause };
  const { observed, through, queriedAt } = answer;
  const wanted = plannedState(node, planned, "");
  const drift = driftOf(node, planned, observed);
  return {
    ...state,
    reachable: true,
    through,
    interface: interfaceStatus(observed, plan.network.interface),
    peers: peersOf(observed, plan),
    drift,
    remedies: drift.length === 0 ? [] : driftRemedies(observed, wanted),
    notes: [...standingNotes(observed, wanted), ...hostNotes(observed, wanted, queriedAt)],
  };
}

function driftRemedies(observed: Observation, wanted: Wanted): string[] {
  const refused = lastingRefusal(observed, wanted);
  if (refused !== null) return [`No push changes that: ${refused.remedy}`];
  const again = `npx wireguard-mesh repush ${wanted.node}`;
  if (observed.records.owner === null) {
    return [
      "Nothing was pushed to it yet, or it was installed anew: npx wireguard-mesh up",
      `If that has nothing to do: ${again}`,
    ];
  }
  if (observed.result !== null && observed.pending === null) {
    return [
      `Its last push was undone there: ${withNames(observed.result, wanted.main.peers)}`,
      "Correct the cause named above, on the host or in the stack file, then: npx wireguard-mesh up",
      `If that has nothing to do: ${again}`,
    ];
  }
  return [
    "If the plan is newer than the last up: npx wireguard-mesh up",
    `Otherwise it was changed by hand, or set back to an older state; to undo that: ${again}`,
  ];
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
