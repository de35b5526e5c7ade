/** The lines of a picture: between nodes, from gateways to their LANs, and from exits to the internet. */
import { shortList } from "../review/short-list";
import { INTERNET, lanId, nodeId, labelLines } from "./boxes";
import type { DrawnExit, DrawnLan, DrawnLink, DrawnNode, Mark } from "./topology";

/** A line between two boxes, by their ids. From inner to outer: the internet, relays, peers, and the LANs behind them. */
export interface Line {
  inner: string;
  outer: string;
  kind: "relay" | "direct" | "lan" | "exit";
  /** The end that is dialled; null if the line is not a link. */
  dialled: "inner" | "outer" | "both" | null;
  /** May be empty. */
  label: string;
  mark: Mark | null;
}

/** `boxes`: the id of the box of each node, by name. */
export function linkLines(
  links: readonly DrawnLink[],
  nodes: readonly DrawnNode[],
  boxes: ReadonlyMap<string, string>,
): Line[] {
  const relays = new Set(nodes.flatMap(({ name, kind }) => (kind === "relay" ? [name] : [])));
  const lines = links
    .map((link) => linkLine(link, relays, boxes))
    .filter(({ inner, outer }) => inner !== outer);
  // Equal lines between the same boxes are drawn once.
  return [...new Map(lines.map((line) => [JSON.stringify(line), line])).values()];
}

function linkLine(
  link: DrawnLink,
  relays: ReadonlySet<string>,
  boxes: ReadonlyMap<string, string>,
): Line {
  const { a, b, dials, direct, mark } = link;
  const [boxA, boxB] = [boxes.get(a) ?? nodeId(a), boxes.get(b) ?? nodeId(b)];
  const isBInner = direct ? isInnerB(dials, boxA, boxB) : relays.has(b) && !relays.has(a);
  const [inner, outer] = isBInner ? [boxB, boxA] : [boxA, boxB];
  return {
    inner,
    outer,
    kind: direct ? "direct" : "relay",
    dialled: dials === "both" ? "both" : isBInner === (dials === "a") ? "inner" : "outer",
    label: mark?.words ?? "",
    mark,
  };
}

/** Of two peers, the dialled one is the inner end. If both are dialled, the order of ids keeps equal links equal. */
function isInnerB(dials: DrawnLink["dials"], boxA: string, boxB: string): boolean {
  return dials === "both" ? boxB < boxA : dials === "a";
}

export function lanLine(lan: DrawnLan): Line {
  const ends = { inner: nodeId(lan.gateway), outer: lanId(lan) };
  return { ...ends, kind: "lan", dialled: null, label: "", mark: lan.mark };
}

/** One for each relay, with the peers that leave through it. */
export function exitLines(exits: readonly DrawnExit[]): Line[] {
  const groups = Map.groupBy(exits, ({ relay, mark }) => JSON.stringify([relay, mark]));
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, all]) => exitLine(all));
}

function exitLine(exits: readonly DrawnExit[]): Line {
  const [first] = exits;
  const mark = first?.mark ?? null;
  const peers = shortList(exits.map(({ peer }) => peer));
  return {
    inner: INTERNET,
    outer: nodeId(first?.relay ?? ""),
    kind: "exit",
    dialled: null,
    label: [`for ${peers}`, ...labelLines(mark)].join(", "),
    mark,
  };
}
