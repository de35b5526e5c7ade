/** Checks whether the tunnels of a canary still work after its push. */
import { mayPing } from "../../mesh/doctor/links";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { indexPolicy } from "../../mesh/plan/policy";
import { poll } from "../poll";
import { probeHost } from "../push/probe-host";
import { PushError } from "../push/push-error";
import { hostAccess, type Access } from "./host-access";
import { awaitLinks } from "./link-states";

/** The tunnel from a canary to a neighbour that it does not reach. */
export interface DeadTunnel {
  node: string;
  neighbour: string;
}

/** Limit on the pings: a relay may have hundreds of neighbours. */
const MAX_PINGED = 50;
const PING_TIMEOUT_S = 3;

/** A handshake without an answer is sent again after 5 s. */
const PING_TIMES = { limitMs: 15_000, pauseMs: 500 };

/** The neighbours that answer a ping from the host; none if the host cannot be queried, as before its first push. */
export async function answeringNeighbours(node: NodePlan, access: Access): Promise<Set<string>> {
  const pinged = pingedBy(node, access.plan);
  if (pinged.length === 0) return new Set();
  const probes = pinged.map(({ address: { text } }) => {
    return { address: text, size: 0, timeoutS: PING_TIMEOUT_S };
  });
  try {
    const { pings } = await probeHost(hostAccess(node, access), probes);
    const reached = pinged.filter(({ address }) => typeof pings.get(address.text) === "number");
    return new Set(reached.map(({ name }) => name));
  } catch (error) {
    if (error instanceof PushError) return new Set();
    throw error;
  }
}

/**
 * Tunnels without a handshake, and tunnels to neighbours that answered `before` and no longer do, since a handshake may predate
 * the push by up to three minutes. For neighbours in `waiting`, which may not have the canary's config yet, only pings count.
 */
export async function deadTunnels(
  node: NodePlan,
  access: Access,
  before: ReadonlySet<string>,
  waiting: readonly string[],
): Promise<DeadTunnel[]> {
  let lost: string[] = [];
  await poll(async () => {
    const answering = await answeringNeighbours(node, access);
    lost = [...before].filter((name) => !answering.has(name));
    return lost.length === 0 ? true : undefined;
  }, PING_TIMES);
  const near = [node, ...neighboursOf(node, access.plan)];
  const links = await awaitLinks(near, access);
  const dead = links.flatMap(({ a, b, state }) => {
    const neighbour = a === node.name ? b : a;
    const isOwn = a === node.name || b === node.name;
    return isOwn && state === "dead" && !waiting.includes(neighbour) ? [neighbour] : [];
  });
  return [...new Set([...lost, ...dead])].map((neighbour) => ({ node: node.name, neighbour }));
}

/** The neighbours that the policy allows it to ping. */
export function pingedBy(node: NodePlan, plan: Plan): NodePlan[] {
  const policy = indexPolicy(plan);
  return neighboursOf(node, plan).filter((neighbour) => mayPing(node, neighbour, policy));
}

/** The neighbours with a host, relays first; at most MAX_PINGED. */
function neighboursOf(node: NodePlan, plan: Plan): NodePlan[] {
  const names = new Set(node.sections.map(({ name }) => name));
  const all = plan.nodes.filter(({ name, hosts }) => names.has(name) && hosts.length > 0);
  const relays = all.filter(({ kind }) => kind === "relay");
  return [...relays, ...all.filter(({ kind }) => kind !== "relay")].slice(0, MAX_PINGED);
}
