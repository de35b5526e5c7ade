/** Who is between two keys, and who of their neighbours has not shaken hands with the new one yet. */
import type { NodePlan, Plan } from "../../../mesh/plan/plan";
import { publicKeysOf } from "../../../mesh/plan/rotation";
import type { PeerFacts } from "../../push/facts";
import type { Answer } from "../status/ask-nodes";

/** One node between two keys. */
export interface PendingKey {
  node: string;
  nextPublicKey: string;
  /** Neighbours that have not proven the new key; empty: the rotation can be finished. */
  waitsFor: Waiting[];
}

export interface Waiting {
  node: string;
  /**
   * `unreached`: it could not be asked. `silent`: it has the new key, and no handshake with it. `handOver`: it has to be given
   * its new config.
   */
  why: "unreached" | "silent" | "handOver";
}

/** Of all nodes between two keys, by what the hosts say. */
export function pendingKeys(plan: Plan, answers: ReadonlyMap<string, Answer>): PendingKey[] {
  return plan.nodes.flatMap((node) => {
    if (node.nextPublicKey === null) return [];
    const waitsFor = neighboursOf(node, plan).flatMap((neighbour) =>
      waitingOf(node, neighbour, node.nextPublicKey ?? "", answers),
    );
    return [{ node: node.name, nextPublicKey: node.nextPublicKey, waitsFor: unique(waitsFor) }];
  });
}

/** The hosts whose answers tell how far the nodes between two keys have come. */
export function witnessesOf(plan: Plan): NodePlan[] {
  const rotating = plan.nodes.filter((node) => node.nextPublicKey !== null);
  const names = new Set(
    rotating.flatMap((node) => [node.name, ...neighboursOf(node, plan).map(({ name }) => name)]),
  );
  return plan.nodes.filter((node) => names.has(node.name) && node.hosts.length > 0);
}

function neighboursOf(node: NodePlan, { links, nodes }: Plan): NodePlan[] {
  const names = links.flatMap(({ a, b }) => (a === node.name ? [b] : b === node.name ? [a] : []));
  return nodes.filter(({ name }) => names.includes(name));
}

/**
 * A neighbour that is pushed to says itself whether it has shaken hands with the new key. Of one that is not, the relay
 * between two keys says whether it has come to the second interface; a peer that it is linked with directly says nothing,
 * and is passed over when it is a peer too.
 */
function waitingOf(
  node: NodePlan,
  neighbour: NodePlan,
  next: string,
  answers: ReadonlyMap<string, Answer>,
): Waiting[] {
  if (neighbour.hosts.length > 0) {
    const answer = answers.get(neighbour.name);
    if (answer?.reachable !== true) return [{ node: neighbour.name, why: "unreached" }];
    const { peers, alternate } = answer.facts;
    if (hasShaken([...peers, ...(alternate?.peers ?? [])], [next])) return [];
    // It is the node itself that has to come: from a host by a push, from a device by hand.
    if (node.hosts.length === 0) return [{ node: node.name, why: "handOver" }];
    return [{ node: neighbour.name, why: "silent" }];
  }
  const answer = answers.get(node.name);
  if (answer?.reachable !== true) return [];
  const { alternate, peers } = answer.facts;
  const seen = node.kind === "relay" ? (alternate?.peers ?? []) : peers;
  return hasShaken(seen, publicKeysOf(neighbour))
    ? []
    : [{ node: neighbour.name, why: "handOver" }];
}

function hasShaken(peers: readonly PeerFacts[], keys: readonly string[]): boolean {
  return peers.some(
    ({ publicKey, latestHandshake }) => keys.includes(publicKey) && latestHandshake !== null,
  );
}

function unique(waiting: Waiting[]): Waiting[] {
  const seen = new Map(waiting.map((one) => [`${one.node} ${one.why}`, one]));
  return [...seen.values()];
}

/** Lines for people. */
export function pendingText(pending: readonly PendingKey[]): string {
  return pending
    .map(({ node, waitsFor }) => {
      if (waitsFor.length === 0)
        return `${node}: its new key is proven everywhere; finish it: npx wireguard-mesh rotate ${node} --finish`;
      const lines = waitsFor.map((one) => `  ${wordsOf(one, node)}`);
      return [
        `${node} is between two keys, and both work. Its new one is not proven with:`,
        ...lines,
        `  When they are back: npx wireguard-mesh rotate ${node}. Without them: npx wireguard-mesh rotate ${node} --finish`,
      ].join("\n");
    })
    .join("\n");
}

function wordsOf({ node, why }: Waiting, rotating: string): string {
  switch (why) {
    case "unreached":
      return `${node}: it cannot be asked now`;
    case "silent":
      return `${node}: no handshake with the new key of ${rotating} yet`;
    case "handOver":
      return `${node}: it needs its new config (npx wireguard-mesh config ${node}, or qr ${node})`;
  }
}
