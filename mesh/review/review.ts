/** Describes the effect of a change on hosts, paths and tunnels. */
import { NEVER_DELIVERED, type Outdated } from "../render/delivery";
import { configChanges, parseConfig } from "./config-changes";
import { keyChanges, newNextKeys, ownKeyLines, restartsOf } from "./key-changes";
import { nameChanges, nameLines, type NameChanges } from "./name-changes";
import { pathChanges, type PathChanges } from "./path-changes";
import { renamedIn } from "./renames";
import { tunnelMoves, type TunnelMove } from "./tunnel-moves";
import type { NetworkRecord, NodeRecord } from "./record";

export interface Review {
  /** The nodes that change: relays first, then by name. */
  nodes: NodeChange[];
  paths: PathChanges;
  /** Links whose keys change, so both ends need a new handshake. */
  restarts: { a: string; b: string }[];
  /** Nodes that get a next key without restarting a link, because both keys work in between. Absent if there are none. */
  overlaps?: string[];
}

export interface NodeChange {
  node: string;
  change: "new" | "removed" | "changed";
  /** One line per difference, e.g. `+ peer p33`. */
  lines: string[];
  /** Whether the program pushes its config; otherwise a person delivers it. */
  pushed: boolean;
  /** For a host that is reached only through the tunnel: changes of the tunnel. Absent if there are none. */
  moves?: TunnelMove[];
}

/**
 * `pushes`: the engine's operation on each node's push; absent if unknown. A push also depends on keys and logins, which are not
 * in a record.
 */
export function reviewOf(
  before: NetworkRecord,
  after: NetworkRecord,
  pushes: ReadonlyMap<string, "update" | "replace"> = new Map(),
): Review {
  const names = [...new Set([...before.nodes.keys(), ...after.nodes.keys()])];
  const named = nameChanges(before.names, after.names);
  const renamed = renamedIn(before, after);
  const keys = keyChanges(before, after);
  const ownKeys = ownKeyLines(keys);
  const changes = names.flatMap((name) => {
    const [was, is] = [before.nodes.get(name), after.nodes.get(name)];
    const other = renamed.get(name);
    if (other === undefined) {
      const hidden = ownKeys.get(name) ?? HIDDEN_CHANGE;
      return nodeChange(name, was, is, { push: pushes.get(name), named, hidden });
    }
    return [renaming(name, other, was ?? before.nodes.get(other), is)];
  });
  const rank = ({ node }: NodeChange) =>
    (after.nodes.get(node) ?? before.nodes.get(node))?.kind === "relay" ? 0 : 1;
  const restarts = restartsOf(keys, after);
  const overlaps = newNextKeys(keys).filter((name) =>
    restarts.every(({ a, b }) => a !== name && b !== name),
  );
  return {
    nodes: changes.sort((a, b) => rank(a) - rank(b) || (a.node < b.node ? -1 : 1)),
    paths: pathChanges(before, after),
    restarts,
    ...(overlaps.length === 0 ? {} : { overlaps }),
  };
}

/** The nodes whose new config a person delivers. */
export function devicesIn({ nodes }: Review): Outdated[] {
  return nodes
    .filter(({ pushed, change }) => !pushed && change !== "removed")
    .map(({ node, change }) => ({
      node,
      why: [change === "new" ? NEVER_DELIVERED : "its config changes"],
    }));
}

export function isEmpty({ nodes, paths, restarts }: Review): boolean {
  const { gained, lost, moved, lansGained, lansLost, exits = [] } = paths;
  const lists = [nodes, restarts, gained, lost, moved, lansGained, lansLost, exits];
  return lists.every((list) => list.length === 0);
}

/** The change of a renamed node. `after` is undefined under its former name. */
function renaming(
  node: string,
  other: string,
  before: NodeRecord | undefined,
  after: NodeRecord | undefined,
): NodeChange {
  const pushed = after?.pushed ?? before?.pushed === true;
  if (after === undefined)
    return { node, change: "removed", lines: [`- renamed to ${other}`], pushed };
  const change = { node, change: "new" as const, pushed };
  const lines = [`${newLine(after)}; renamed from ${other}`];
  if (before === undefined) return { ...change, lines };
  return {
    ...change,
    lines,
    moves: tunnelMoves(parseConfig(before.config), parseConfig(after.config)),
  };
}

interface Circumstances {
  push: "update" | "replace" | undefined;
  named: NameChanges;
  /** The line for a push whose change is not in the records. */
  hidden: string;
}

function nodeChange(
  node: string,
  before: NodeRecord | undefined,
  after: NodeRecord | undefined,
  { push, named, hidden }: Circumstances,
): NodeChange[] {
  if (after === undefined) {
    const pushed = before?.pushed === true;
    const what = pushed ? "its interface is removed" : "its config no longer works";
    return [{ node, change: "removed", lines: [`- ${what}`], pushed }];
  }
  if (before === undefined)
    return [{ node, change: "new", lines: [newLine(after)], pushed: after.pushed }];
  const lines = [
    ...recordChanges(before, after),
    ...pushLines(before, after, push),
    ...(before.pushed && after.pushed ? nameLines(named, after) : []),
  ];
  const moves = tunnelMoves(parseConfig(before.config), parseConfig(after.config));
  if (lines.length > 0) {
    const change = { node, change: "changed" as const, lines, pushed: after.pushed };
    return [moves.length === 0 ? change : { ...change, moves }];
  }
  return push === undefined
    ? []
    : [{ node, change: "changed", lines: [hidden], pushed: after.pushed }];
}

const HIDDEN_CHANGE =
  "~ pushed again: its last push failed, its login or preshared keys have changed, or this version of wireguard-mesh configures more";

function newLine({ config, alternate }: NodeRecord): string {
  const { settings, peers } = parseConfig(config);
  const address = (settings.get("Address") ?? "").replace(/\/\d+/g, "");
  const names = [...peers.keys()];
  const tunnels = names.length === 1 ? `a tunnel to ${names.join()}` : `${names.length} tunnels`;
  const second = alternate === null ? [] : ["a second interface"];
  return `+ new: ${[address, tunnels, ...second].join(", ")}`;
}

function recordChanges(before: NodeRecord, after: NodeRecord): string[] {
  const forwarding =
    before.forwarding === after.forwarding
      ? []
      : [`~ forwards ${before.forwarding} -> ${after.forwarding}`];
  return [
    ...configChanges(parseConfig(before.config), parseConfig(after.config)),
    ...secondInterface(before.alternate, after.alternate),
    ...forwarding,
    ...filterChange(before.filter, after.filter),
  ];
}

/** The changes of the host's nftables table. */
function filterChange(before: string | null, after: string | null): string[] {
  if (before === after) return [];
  const has = (table: string | null, chain: string) =>
    table?.includes(`\tchain ${chain} {`) === true;
  const filters = [before, after].map((table) => has(table, "connections"));
  const translates = [before, after].map((table) => has(table, "postrouting"));
  const turn = ([was, is]: boolean[], begins: string, ends: string) =>
    was === is ? [] : [is === true ? begins : ends];
  const turns = [
    ...turn(filters, "+ filters what the policy does not allow", "- no longer filters"),
    ...turn(translates, "+ translates addresses", "- no longer translates addresses"),
  ];
  if (turns.length > 0) return turns;
  return [
    filters[0] === true ? "~ filters by other rules or addresses" : "~ translates other addresses",
  ];
}

/** Compares only the port, because both interfaces have the same peers. */
function secondInterface(before: string | null, after: string | null): string[] {
  const port = (text: string) => parseConfig(text).settings.get("ListenPort") ?? "";
  if (before === null) return after === null ? [] : [`+ second interface, UDP port ${port(after)}`];
  if (after === null) return [`- second interface, UDP port ${port(before)}`];
  return before === after || port(before) === port(after)
    ? []
    : [`~ second interface: UDP port ${port(before)} -> ${port(after)}`];
}

function pushLines(
  before: NodeRecord,
  after: NodeRecord,
  push: "update" | "replace" | undefined,
): string[] {
  if (before.pushed !== after.pushed)
    return [
      after.pushed
        ? "~ its config is pushed, which it was not before"
        : "~ its config is a file from now on",
    ];
  return push === "replace" ? ["~ another machine: it is set up, and the former one cleaned"] : [];
}
