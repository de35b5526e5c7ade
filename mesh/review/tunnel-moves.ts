/** Describes changes to the tunnel of a host that is reached only through it, and how the host stays reachable. */
import type { NodePlan, Plan } from "../plan/plan";
import { jumpRelays } from "../plan/jump-relays";
import { relayPorts } from "../plan/rotation";
import { neighbourIn, type ConfigText } from "./config-changes";

export interface TunnelMove {
  /** `port`: only that of the endpoint changes. */
  what: "address" | "relay" | "endpoint" | "port";
  /** The UDP port of the endpoint before; null: unknown. */
  formerPort: number | null;
}

export function tunnelMoves(before: ConfigText, after: ConfigText): TunnelMove[] {
  const address = before.settings.get("Address") !== after.settings.get("Address");
  const former = homeOf(before);
  const home = homeMove(former, homeOf(after));
  const formerPort = former === null ? null : portIn(former.endpoint);
  return [...(address ? (["address"] as const) : []), ...(home === null ? [] : [home])].map(
    (what) => ({ what, formerPort }),
  );
}

/** If the key changes too, the port change is part of a rotation, which both sides handle. */
function homeMove(was: Home | null, is: Home | null): TunnelMove["what"] | null {
  if (was === null || is === null) return null;
  if (was.name !== is.name) return "relay";
  if (was.key !== is.key || was.endpoint === is.endpoint) return null;
  return hostIn(was.endpoint) === hostIn(is.endpoint) ? "port" : "endpoint";
}

/** The lines of one node in a review. */
interface Lines {
  node: string;
  lines: string[];
  moves?: TunnelMove[];
}

/** Adds lines to a review for hosts that are reached only through the tunnel. */
export function withTunnelLines<R extends { nodes: Lines[] }>(review: R, plan: Plan): R {
  const tunnelOnly = new Map(
    plan.nodes.filter((node) => jumpRelays(node).length > 0).map((node) => [node.name, node]),
  );
  const nodes = review.nodes.map((change) => {
    const node = tunnelOnly.get(change.node);
    const more = node === undefined ? [] : linesOf(change.moves ?? [], node, plan);
    return { ...change, lines: [...change.lines, ...more] };
  });
  return { ...review, nodes };
}

function linesOf(moves: readonly TunnelMove[], node: NodePlan, plan: Plan): string[] {
  const isBoth = ["address", "relay"].every((it) => moves.some(({ what }) => what === it));
  if (!isBoth) return moves.map((it) => lineOf(it, node, plan));
  const way = `through its former relay at its former address until it answers through ${node.relay ?? ""} at the new one`;
  return [`~ reached only through the tunnel: this host is reached ${way}`];
}

function lineOf({ what, formerPort }: TunnelMove, { relay }: NodePlan, plan: Plan): string {
  const home = plan.nodes.find(({ name }) => name === relay);
  const isClosed = what === "port" && home !== undefined && closes(home, formerPort, plan);
  const text = isClosed
    ? `${relay ?? ""} closes UDP port ${formerPort ?? 0}, so this host cannot follow: set rotationPort: ${formerPort ?? 0} on ${relay ?? ""} in the same up, and remove it in a later one`
    : MOVE_TEXTS[what](relay ?? "its relay");
  return `~ reached only through the tunnel: ${text}`;
}

/** The security group of an ec2 relay opens only its two ports. */
function closes(home: NodePlan, port: number | null, { network }: Plan): boolean {
  return home.ec2 !== null && port !== null && !relayPorts(home, network).includes(port);
}

const MOVE_TEXTS: Record<TunnelMove["what"], (home: string) => string> = {
  address: (home) =>
    `${home} keeps this host's former address until the host answers at the new one`,
  relay: (home) => `this host is reached through its former relay until it answers through ${home}`,
  endpoint: (home) => `this host follows if ${home} answers at both endpoints; else the push fails`,
  port: (home) => `${home} serves both ports until this host has followed, so both must be open`,
};

interface Home {
  name: string;
  key: string;
  endpoint: string;
}

/** The peer that routes to the whole network: its first allowed IP is a range. */
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

function portIn(endpoint: string): number | null {
  const port = Number(endpoint.slice(endpoint.lastIndexOf(":") + 1));
  return Number.isInteger(port) ? port : null;
}

function hostIn(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(":"));
}
