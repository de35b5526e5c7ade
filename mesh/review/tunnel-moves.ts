/** What a change moves of the tunnel that is the only way to a host, and what becomes of the host meanwhile. */
import type { NodePlan, Plan } from "../plan/plan";
import { jumpRelays } from "../plan/jump-relays";
import { neighbourIn, type ConfigText } from "./config-changes";

/** `port`: only that of the endpoint changes. */
export type TunnelMove = "address" | "relay" | "endpoint" | "port";

export function tunnelMoves(before: ConfigText, after: ConfigText): TunnelMove[] {
  const address = before.settings.get("Address") !== after.settings.get("Address");
  const home = homeMove(homeOf(before), homeOf(after));
  return [...(address ? (["address"] as const) : []), ...(home === null ? [] : [home])];
}

/** With another key the port moves in a rotation, which both sides follow. */
function homeMove(was: Home | null, is: Home | null): TunnelMove | null {
  if (was === null || is === null) return null;
  if (was.name !== is.name) return "relay";
  if (was.key !== is.key || was.endpoint === is.endpoint) return null;
  return hostIn(was.endpoint) === hostIn(is.endpoint) ? "port" : "endpoint";
}

/** Of one node in a review. */
interface Lines {
  node: string;
  lines: string[];
  moves?: TunnelMove[];
}

/** A review that says of each host that only the tunnel leads to how it follows. */
export function withTunnelLines<R extends { nodes: Lines[] }>(review: R, plan: Plan): R {
  const tunnelOnly = new Map(
    plan.nodes.filter((node) => jumpRelays(node).length > 0).map((node) => [node.name, node]),
  );
  const nodes = review.nodes.map((change) => {
    const node = tunnelOnly.get(change.node);
    const more = node === undefined ? [] : (change.moves ?? []).map((it) => lineOf(it, node, plan));
    return { ...change, lines: [...change.lines, ...more] };
  });
  return { ...review, nodes };
}

function lineOf(move: TunnelMove, { relay }: NodePlan, { nodes }: Plan): string {
  const home = nodes.find(({ name }) => name === relay);
  const words = move === "port" && home?.ec2 ? cannotFollow : WORDS[move];
  return `~ only the tunnel leads there: ${words(relay ?? "its relay")}`;
}

/** The security group of an ec2 relay has the new port only. */
const cannotFollow = (home: string): string =>
  `it cannot follow the port of ${home}: use rotate ${home}, which moves key and port`;

const WORDS: Record<TunnelMove, (home: string) => string> = {
  address: (home) => `${home} keeps its former address until it answers at the new one`,
  relay: (home) => `it is reached by its former relay until it answers by ${home}`,
  endpoint: (home) => `it follows if ${home} is there at both endpoints, else it is not reached`,
  port: (home) => `${home} serves both ports until it has followed, so both must be open`,
};

interface Home {
  name: string;
  key: string;
  endpoint: string;
}

/** The peer that leads to the whole network: the first of its allowed IPs is more than one address. */
function homeOf({ peers }: ConfigText): Home | null {
  const found = [...peers].find(([, settings]) => {
    const [first = ""] = (settings.get("AllowedIPs") ?? "").split(", ");
    return first !== "" && !/\/(32|128)$/.test(first);
  });
  if (found === undefined) return null;
  const [title, settings] = found;
  return {
    name: neighbourIn(title),
    key: settings.get("PublicKey") ?? "",
    endpoint: settings.get("Endpoint") ?? "",
  };
}

function hostIn(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(":"));
}
