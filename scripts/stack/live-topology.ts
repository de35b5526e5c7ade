/** The content of a picture of the network, with the states that hosts report. */
import { topologyOf, type Mark, type Topology } from "../../mesh/graph/topology";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import type { HostAnswers } from "./query-hosts";
import type { LinkState, LinkStatus } from "./link-states";
import { nodeState, type NodeState } from "./node-state";

/** `links`: the states of all links of which an end was queried. */
export function liveTopology(
  plan: Plan,
  links: readonly LinkStatus[],
  answers: HostAnswers,
): Topology {
  const topology = topologyOf(plan);
  const states = new Map(links.map(({ a, b, state }) => [`${a} ${b}`, state]));
  const nodes = new Map(plan.nodes.map((node) => [node.name, node]));
  return {
    ...topology,
    nodes: topology.nodes.map((drawn) => {
      const node = nodes.get(drawn.name);
      return node === undefined ? drawn : { ...drawn, ...seenOf(node, plan, links, answers) };
    }),
    links: topology.links.map((link) => ({
      ...link,
      mark: LINK_MARKS[states.get(`${link.a} ${link.b}`) ?? "unknown"],
    })),
  };
}

/** Links that work get no label. */
const LINK_MARKS: Record<LinkState, Mark> = {
  alive: { tone: "good", words: "" },
  idle: { tone: "quiet", words: "idle" },
  dead: { tone: "bad", words: "dead" },
  away: { tone: "quiet", words: "away" },
  unknown: { tone: "quiet", words: "not known" },
};

function seenOf(
  node: NodePlan,
  plan: Plan,
  links: readonly LinkStatus[],
  answers: HostAnswers,
): { mark: Mark; seenFrom: string | null } {
  const state = nodeState(node, plan, links, answers);
  const isUnreached = answers.get(node.name)?.reachable === false;
  const seenFrom = node.endpoint === null ? (state.endpoint?.replace(/:\d+$/, "") ?? null) : null;
  return { mark: nodeMark(state, isUnreached), seenFrom };
}

/** The states are those of `status`. A host that could not be queried may still have working tunnels. */
function nodeMark({ state, tunnels }: NodeState, isUnreached: boolean): Mark {
  const unreached = isUnreached ? ["not reached"] : [];
  switch (state) {
    case "alive":
      return { tone: isUnreached ? "partly" : "good", words: ["alive", ...unreached].join(", ") };
    case "partly": {
      const alive = `${tunnels.alive} of ${tunnels.planned} tunnels alive`;
      return { tone: "partly", words: [alive, ...unreached].join(", ") };
    }
    case "dead":
      return { tone: "bad", words: ["dead", ...unreached].join(", ") };
    case "unknown":
      return isUnreached ? { tone: "bad", words: "not reached" } : LINK_MARKS.unknown;
    case "idle":
    case "away":
      return isUnreached ? { tone: "bad", words: `${state}, not reached` } : LINK_MARKS[state];
    case "unlinked":
      return { tone: isUnreached ? "bad" : "quiet", words: ["no links", ...unreached].join(", ") };
  }
}
