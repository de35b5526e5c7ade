/** The paths that a change adds, removes or moves, between groups of nodes that it affects alike. */
import { groupOf, type Reachability } from "../plan/reachability";
import type { NetworkRecord } from "./record";

/** A change of the paths from each node of `from` to each node of `to`; if both are the same, of the paths among them. */
export interface PathChange {
  from: string[];
  to: string[];
  /** Whether `to` reaches `from` too. */
  bothWays: boolean;
  /** `direct` or `through tokyo`; null: no path. */
  before: string | null;
  after: string | null;
}

interface LanChange {
  lan: string;
  /** The node that the LAN is behind. */
  gateway: string;
}

/** A peer whose exit changes; null: none. */
export interface ExitChange {
  peer: string;
  before: string | null;
  after: string | null;
}

export interface PathChanges {
  gained: PathChange[];
  lost: PathChange[];
  moved: PathChange[];
  lansGained: LanChange[];
  lansLost: LanChange[];
  /** Absent if none. */
  exits?: ExitChange[];
}

/** O(nodes) for the nodes, and O(groups²). */
export function pathChanges(before: NetworkRecord, after: NetworkRecord): PathChanges {
  const exits = exitChanges(before.reachability.exits ?? {}, after.reachability.exits ?? {});
  const changes = changedPaths(classesOf(before, after), before.reachability, after.reachability);
  return {
    gained: changes.filter((change) => change.before === null),
    lost: changes.filter((change) => change.after === null),
    moved: changes.filter((change) => change.before !== null && change.after !== null),
    lansGained: lansOnlyIn(after.reachability, before.reachability),
    lansLost: lansOnlyIn(before.reachability, after.reachability),
    ...(exits.length === 0 ? {} : { exits }),
  };
}

/** Nodes or LANs with the same group before and the same group after the change; null: not in the network. */
interface NodeClass {
  before: string | null;
  after: string | null;
  members: string[];
  isLan: boolean;
}

function classesOf(before: NetworkRecord, after: NetworkRecord): NodeClass[] {
  const classes = new Map<string, NodeClass>();
  const add = (name: string, was: string | null, is: string | null, isLan: boolean) => {
    const key = `${was ?? ""} > ${is ?? ""}${isLan ? " LAN" : ""}`;
    const known = classes.get(key);
    if (known === undefined) classes.set(key, { before: was, after: is, members: [name], isLan });
    else known.members.push(name);
  };
  const names = new Set([...before.nodes.keys(), ...after.nodes.keys()]);
  for (const name of [...names].sort()) {
    const was = before.nodes.has(name) ? groupOf(name, before.reachability) : null;
    const is = after.nodes.has(name) ? groupOf(name, after.reachability) : null;
    add(name, was, is, false);
  }
  for (const lan of limitedLans(before.reachability, after.reachability))
    add(lan, lanGroup(lan, before.reachability), lanGroup(lan, after.reachability), true);
  // New and removed nodes first, because they are the subject of the change.
  const isKnown = ({ before: was, after: is }: NodeClass) => was !== null && is !== null;
  return [...classes.values()].sort((a, b) => Number(isKnown(a)) - Number(isKnown(b)));
}

/** Unchanged LANs whose access a policy limits. */
function limitedLans(was: Reachability, is: Reachability): string[] {
  if (was.policy === undefined && is.policy === undefined) return [];
  return Object.keys(is.lans)
    .filter((lan) => was.lans[lan] === is.lans[lan])
    .sort();
}

/** Without a policy, a LAN belongs to the group of its gateway. */
function lanGroup(lan: string, reachability: Reachability): string {
  const { policy, lans } = reachability;
  return groupOf(policy === undefined ? (lans[lan] ?? lan) : lan, reachability);
}

function changedPaths(classes: NodeClass[], was: Reachability, is: Reachability): PathChange[] {
  return classes.flatMap((one, at) =>
    classes.slice(at).flatMap((other) => {
      const there = pathChange(one, other, was, is);
      const back = one === other ? there : pathChange(other, one, was, is);
      if (there?.before === back?.before && there?.after === back?.after)
        return there === null ? [] : [{ ...there, bothWays: true }];
      return [there, back].filter((change) => change !== null);
    }),
  );
}

/** Null where nothing changes. */
function pathChange(
  from: NodeClass,
  to: NodeClass,
  was: Reachability,
  is: Reachability,
): PathChange | null {
  if (from === to && from.members.length < 2) return null;
  // A gateway alone does not use the tunnel to its own LANs.
  if (
    to.isLan &&
    from.members.length === 1 &&
    to.members.every((lan) => is.lans[lan] === from.members[0])
  )
    return null;
  // Without a policy, paths from LANs are not recorded.
  if (from.isLan && (was.policy === undefined || is.policy === undefined)) return null;
  const before = pathIn(was, from.before, to.before);
  const after = pathIn(is, from.after, to.after);
  if (before === after) return null;
  return { from: from.members, to: to.members, bothWays: false, before, after };
}

function pathIn({ paths }: Reachability, from: string | null, to: string | null): string | null {
  return from === null || to === null ? null : (paths[`${from} -> ${to}`] ?? null);
}

function lansOnlyIn({ lans }: Reachability, other: Reachability): LanChange[] {
  return Object.entries(lans)
    .filter(([lan, gateway]) => other.lans[lan] !== gateway)
    .map(([lan, gateway]) => ({ lan, gateway }));
}

function exitChanges(was: Record<string, string>, is: Record<string, string>): ExitChange[] {
  const exitIn = (exits: Record<string, string>, peer: string) =>
    Object.hasOwn(exits, peer) ? (exits[peer] ?? null) : null;
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .sort()
    .map((peer) => ({ peer, before: exitIn(was, peer), after: exitIn(is, peer) }))
    .filter(({ before, after }) => before !== after);
}
