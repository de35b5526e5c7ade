/** A review as Markdown, for a pull request. */
import { shortList } from "../../../mesh/review/short-list";
import { isEmpty, type Review } from "../../../mesh/review/review";
import { OVERLAPS, pathLines } from "../../cli/review-text";
import type { Comparison } from "./comparison";
import { UNSEEN } from "./comparison-text";

/** More rows than these are only counted. */
const MAX_ROWS = 100;

export function reviewMarkdown({ stack, review, devices, warnings }: Comparison): string {
  const blocks = [
    `### WireGuard network \`${stack}\``,
    ...warnings.map(({ path, message }) => `> **Warning:** \`${path}\`: ${escaped(message)}`),
    isEmpty(review) ? "Nothing to do: the network stays as it is." : nodesTable(review),
    list("Paths", pathLines(review.paths).map(code)),
    list("Tunnels that restart, with a new key", restartLines(review)),
    list(OVERLAPS, overlapLines(review)),
    list(
      "Devices that need their config",
      devices.map(({ node, why }) => `${code(node)}: ${escaped(why.join(", "))}`),
    ),
    `<sub>${UNSEEN}</sub>`,
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function nodesTable({ nodes }: Review): string {
  const rows = nodes.map(
    ({ node, lines }) => `| ${code(node)} | ${lines.map(cell).join("<br>")} |`,
  );
  return [
    "| Host | What changes |",
    "| --- | --- |",
    ...limited(rows, (n) => `| … | and ${n} more |`),
  ].join("\n");
}

function cell(line: string): string {
  return escaped(line).replaceAll("|", "\\|");
}

function restartLines({ restarts }: Review): string[] {
  return restarts.length === 0 ? [] : [shortList(restarts.map(({ a, b }) => `${a} - ${b}`))];
}

function overlapLines({ overlaps = [] }: Review): string[] {
  return overlaps.length === 0 ? [] : [shortList(overlaps)];
}

function list(title: string, lines: string[]): string {
  if (lines.length === 0) return "";
  const items = limited(lines, (n) => `and ${n} more`).map((line) => `- ${line}`);
  return [`**${title}**`, "", ...items].join("\n");
}

function limited(lines: string[], rest: (count: number) => string): string[] {
  const more = lines.length - MAX_ROWS;
  return more > 0 ? [...lines.slice(0, MAX_ROWS), rest(more)] : lines;
}

function code(text: string): string {
  return `\`${text}\``;
}

/** Escapes characters so that names from the config cannot become emphasis, links or HTML. */
function escaped(text: string): string {
  return text.replaceAll(/[<>*_~[\]]/g, (sign) => `\\${sign}`);
}
