/** A picture of the network as boxes and lines, independent of the output format. */
import { groupNodes } from "./node-groups";
import {
  groupBox,
  idOf,
  internetBox,
  lanBox,
  nodeBox,
  nodeId,
  sitesOf,
  labelLines,
  type Box,
  type Site,
} from "./boxes";
import { exitLines, lanLine, linkLines, type Line } from "./lines";
import { wrapList } from "./wrap-list";
import type { DrawnRule, Topology } from "./topology";

export interface Picture {
  /** The internet, relays, the other nodes by name, and LANs. */
  boxes: Box[];
  /** By name. */
  sites: Site[];
  lines: Line[];
  /** Text beside the picture. */
  notes: Note[];
}

export interface Note {
  title: string;
  lines: string[];
}

/** `more`: additional notes. */
export function pictureOf(topology: Topology, more: readonly Note[] = []): Picture {
  const { nodes, links, exits, rules } = topology;
  const groups = groupNodes(topology);
  const ids = new Map(
    groups.flatMap((it) => it.nodes.map(({ name }) => [name, idOf(it)] as const)),
  );
  const lans = topology.lans.filter(({ gateway }) => ids.get(gateway) === nodeId(gateway));
  const siteOf = new Map(nodes.map(({ name, site }) => [name, site]));
  const boxes = groups.flatMap((it) =>
    it.nodes.length === 1 ? it.nodes.map(nodeBox) : [groupBox(it, topology)],
  );
  const lines = [...exitLines(exits), ...linkLines(links, nodes, ids), ...lans.map(lanLine)];
  return {
    boxes: [
      ...(exits.length === 0 ? [] : [internetBox()]),
      ...boxes.filter(({ kind }) => kind === "relay"),
      ...boxes.filter(({ kind }) => kind !== "relay"),
      ...lans.map((lan) => lanBox(lan, siteOf.get(lan.gateway) ?? null)),
    ],
    sites: sitesOf(nodes),
    lines,
    notes: [...more, ...(rules === null ? [] : [policyNote(rules)]), ...legendOf(lines)],
  };
}

/** Characters in a row. */
const ROW = 72;
const MAX_RULES = 12;

function policyNote(rules: readonly DrawnRule[]): Note {
  const texts = rules
    .map(({ text, mark }) => [...labelLines(mark), text].join(": "))
    .flatMap((text) => wrapList(text.split(", "), ROW));
  const more = texts.length - MAX_RULES;
  const shown = more > 1 ? [...texts.slice(0, MAX_RULES), `and ${more} more`] : texts;
  return {
    title: "Policy: who may start what to whom",
    lines: texts.length === 0 ? ["nothing is allowed"] : shown,
  };
}

/** Only a picture with direct links needs a legend. */
function legendOf(lines: readonly Line[]): Note[] {
  return lines.some(({ kind }) => kind === "direct") ? [{ title: "", lines: LEGEND }] : [];
}

const LEGEND = [
  "An arrow leads to the end that is dialled.",
  "Thick: a direct tunnel between peers. Thin: a tunnel to a relay, which forwards packets.",
];
