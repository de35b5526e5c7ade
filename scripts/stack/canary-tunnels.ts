/** Whether the tunnels of a canary still work after its push. */
import type { NodePlan } from "../../mesh/plan/plan";
import { poll } from "../poll";
import { answersFrom } from "../push/ping-from";
import { PushError } from "../push/push-error";
import { hostAccess, type Access } from "./host-access";
import { awaitLinks } from "./link-states";

/** A canary with a neighbour that it does not reach. */
export interface DeadTunnel {
  node: string;
  neighbour: string;
}

/** A relay may have hundreds. */
const MOST_PINGED = 50;

/** A handshake without an answer is sent again after 5 s. */
const PING_TIMES = { limitMs: 15_000, pauseMs: 500 };

/** The neighbours that answer a ping from the host; none where it cannot be asked, as before its first push. */
export async function answeringNeighbours(node: NodePlan, access: Access): Promise<Set<string>> {
  const neighbours = neighboursOf(node, access);
  if (neighbours.length === 0) return new Set();
  try {
    const addresses = neighbours.map(({ address }) => address.text);
    const answers = await answersFrom(hostAccess(node, access), addresses);
    const reached = neighbours.filter(({ address }) => answers.has(address.text));
    return new Set(reached.map(({ name }) => name));
  } catch (error) {
    if (error instanceof PushError) return new Set();
    throw error;
  }
}

/**
 * The tunnels that have no handshake, and those through which a neighbour answered `before` and answers no more: a handshake of
 * before the push says nothing for three minutes. Of a neighbour in `waiting`, which may not know the canary yet, only that
 * counts.
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
  const near = [node, ...neighboursOf(node, access)];
  const links = await awaitLinks(near, access);
  const dead = links.flatMap(({ a, b, state }) => {
    const neighbour = a === node.name ? b : a;
    const isOwn = a === node.name || b === node.name;
    return isOwn && state === "dead" && !waiting.includes(neighbour) ? [neighbour] : [];
  });
  return [...new Set([...lost, ...dead])].map((neighbour) => ({ node: node.name, neighbour }));
}

/** Those with a host, relays first. */
function neighboursOf(node: NodePlan, { plan }: Access): NodePlan[] {
  const names = new Set(node.sections.map(({ name }) => name));
  const all = plan.nodes.filter(({ name, hosts }) => names.has(name) && hosts.length > 0);
  const relays = all.filter(({ kind }) => kind === "relay");
  return [...relays, ...all.filter(({ kind }) => kind !== "relay")].slice(0, MOST_PINGED);
}
