/** A picture as DOT text, which Graphviz draws. */
import type { Box, Site } from "./boxes";
import type { Line } from "./lines";
import { lineLookOf, lookOf, PLACE, TEXT } from "./looks";
import type { Note, Picture } from "./picture";

export function dotOf({ boxes, sites, lines, notes }: Picture): string {
  const outside = boxes.filter(({ site }) => site === null);
  return [
    "digraph {",
    `  graph [rankdir=LR bgcolor=white pad=0.2 nodesep=0.15 ranksep=0.7 ${font(11)} labelloc=b labeljust=l ${labelOf(notes)}]`,
    `  node [shape=box style=filled margin="0.12,0.06" ${font(11)}]`,
    `  edge [arrowsize=0.6 ${font(10)}]`,
    ...outside.map((box) => `  ${boxText(box)}`),
    `  { rank=same ${boxes
      .filter(({ kind }) => kind === "relay")
      .map(({ id }) => id)
      .join(" ")} }`,
    ...sites.flatMap((site) => siteText(site, boxes)),
    ...lines.map((line) => `  ${lineText(line)}`),
    "}",
    "",
  ].join("\n");
}

/** Graphviz has built-in metrics for a few fonts only. */
export const FONT = "Verdana";

function font(size: number): string {
  return `fontname="${FONT}" fontsize=${size} fontcolor="${TEXT}"`;
}

function siteText({ id, title }: Site, boxes: readonly Box[]): string[] {
  return [
    `  subgraph cluster_${id} {`,
    `    graph [style="rounded,dashed" color="${PLACE.stroke}" labelloc=t labeljust=l margin=10 label=<${escaped(title)}>]`,
    ...boxes.filter(({ site }) => site === id).map((box) => `    ${boxText(box)}`),
    "  }",
  ];
}

function boxText({ id, kind, text, mark }: Box): string {
  const { fill, stroke, dashed, wide } = lookOf({ kind, mark });
  const styles = [
    "filled",
    ...(kind === "device" ? ["rounded"] : []),
    ...(dashed ? ["dashed"] : []),
  ];
  const attributes = [
    `style="${styles.join()}"`,
    `fillcolor="${fill}"`,
    `color="${stroke}"`,
    ...(kind === "lan" || kind === "internet" ? ["shape=ellipse"] : []),
    ...(kind === "relay" ? ["peripheries=2"] : []),
    ...(wide ? ["penwidth=2"] : []),
    `label=<${boxLabel(kind, text)}>`,
  ];
  return `${id} [${attributes.join(" ")}]`;
}

function boxLabel(kind: Box["kind"], text: string[]): string {
  const [title = "", ...rest] = text.map(escaped);
  const bold = kind === "lan" || kind === "internet" ? title : `<b>${title}</b>`;
  return [bold, ...rest].join("<br/>");
}

function lineText({ inner, outer, kind, dialled, label, mark }: Line): string {
  const { stroke, dashed } = lineLookOf(mark);
  const style = dashed ? "dashed" : kind === "lan" ? "dotted" : "solid";
  const attributes = [
    `dir=${directionOf(kind, dialled)}`,
    `color="${stroke}"`,
    `style=${style}`,
    ...(kind === "direct" ? ["penwidth=2"] : []),
    ...(label === "" ? [] : [`label=<${escaped(` ${label} `)}>`]),
  ];
  return `${inner} -> ${outer} [${attributes.join(" ")}]`;
}

function directionOf(kind: Line["kind"], dialled: Line["dialled"]): string {
  if (kind === "exit") return "back";
  if (dialled === null) return "none";
  return dialled === "both" ? "both" : dialled === "inner" ? "back" : "forward";
}

function labelOf(notes: readonly Note[]): string {
  const lines = notes.flatMap((note) => [
    " ",
    ...(note.title === "" ? [] : [`<b>${escaped(note.title)}</b>`]),
    ...note.lines.map(escaped),
  ]);
  const rows = lines.map((line) => `${line}<br align="left"/>`);
  return rows.length === 0 ? "" : `label=<${rows.join("")}>`;
}

/** Backslashes too, because Graphviz replaces escapes such as `\N` even in HTML labels. */
function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`).replaceAll("\\", "\\\\");
}
