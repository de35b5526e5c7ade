/** A picture as Mermaid text, which GitHub and GitLab render. */
import type { Box } from "./boxes";
import type { Line } from "./lines";
import { lineLookOf, lookOf, PLACE, TEXT, type Look } from "./looks";
import type { Note, Picture } from "./picture";

/** Each box and each line of the picture is one line of text, so that a diff shows what has changed. */
export function mermaidOf({ boxes, sites, lines, notes }: Picture): string {
  const outside = boxes.filter(({ site }) => site === null);
  return [
    // Rows of names are longer than the 200 pixels at which Mermaid breaks them by default.
    '%%{init: {"flowchart": {"wrappingWidth": 600}}}%%',
    // Lines begin at the outer end, so right to left puts the relays on the left.
    "flowchart RL",
    ...outside.map((box) => `  ${boxText(box)}`),
    ...sites.flatMap(({ id, title }) => [
      `  subgraph ${id}["${escaped(title)}"]`,
      ...boxes.filter(({ site }) => site === id).map((box) => `    ${boxText(box)}`),
      "  end",
    ]),
    ...lines.map((line) => `  ${lineText(line)}`),
    ...notes.map((note, at) => `  note_${at}["${noteText(note)}"]:::${PLACE.name}`),
    ...classTexts([...boxes.map(lookOf), ...notes.map(() => PLACE)]),
    "",
  ].join("\n");
}

/** The brackets that give a box its shape. */
const SHAPES: Record<Box["kind"], [string, string]> = {
  relay: ["[[", "]]"],
  peer: ["[", "]"],
  device: ["(", ")"],
  group: ["[", "]"],
  lan: ["([", "])"],
  internet: ["((", "))"],
};

function boxText({ id, kind, text, mark }: Box): string {
  const [open, close] = SHAPES[kind];
  const [title = "", ...rest] = text.map(escaped);
  const bold = kind === "lan" || kind === "internet" ? title : `<b>${title}</b>`;
  return `${id}${open}"${[bold, ...rest].join("<br/>")}"${close}:::${lookOf({ kind, mark }).name}`;
}

function lineText({ inner, outer, kind, dialled, label, mark }: Line): string {
  const labelText = label === "" ? "" : `|"${escaped(label)}"|`;
  const [from, to] = dialled === "outer" ? [inner, outer] : [outer, inner];
  return `${from} ${dialled === "both" ? "<" : ""}${strokeOf(kind, mark)}${labelText} ${to}`;
}

function strokeOf(kind: Line["kind"], mark: Line["mark"]): string {
  if (kind === "lan") return "-.-";
  if (lineLookOf(mark).dashed) return "-.->";
  return kind === "direct" ? "==>" : "-->";
}

function noteText({ title, lines }: Note): string {
  const bold = title === "" ? [] : [`<b>${escaped(title)}</b>`];
  return [...bold, ...lines.map(escaped)].join("<br/>");
}

/** Writes special characters as codes, so that they have no meaning in Mermaid, HTML or Markdown. */
function escaped(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} .,:/()-]/gu, (sign) => `#${sign.codePointAt(0) ?? 0};`);
}

function classTexts(looks: readonly Look[]): string[] {
  const used = new Map(looks.map((look) => [look.name, look]));
  return [...used.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, fill, stroke, dashed, wide }) => {
      const border = [
        ...(dashed ? ["stroke-dasharray:4"] : []),
        ...(wide ? ["stroke-width:3px"] : []),
      ];
      const styles = [`fill:${fill}`, `stroke:${stroke}`, `color:${TEXT}`, ...border];
      return `  classDef ${name} ${styles.join()}`;
    });
}
