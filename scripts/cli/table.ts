/** Tables without borders, so that the output can be cut, grepped and pasted. */
import { stripVTControlCharacters } from "node:util";
import pc from "picocolors";

/** Columns are two spaces apart; no line ends in spaces. */
export function formatTable(head: string[], rows: string[][]): string {
  const lines = [head.map((text) => pc.bold(text)), ...rows];
  const widths = head.map((_, column) =>
    lines.reduce((most, line) => Math.max(most, widthOf(line[column])), 0),
  );
  return lines.map((line) => formatLine(line, widths)).join("\n");
}

function formatLine(line: string[], widths: number[]): string {
  const cells = line.map(
    (cell, column) => cell + " ".repeat((widths[column] ?? 0) - widthOf(cell)),
  );
  return cells.join("  ").trimEnd();
}

function widthOf(cell = ""): number {
  return stripVTControlCharacters(cell).length;
}
