/** Tables without borders, so that the output can be cut, grepped and pasted. */
import Table from "cli-table3";
import pc from "picocolors";

export function formatTable(head: string[], rows: string[][]): string {
  const chars = Object.fromEntries(PARTS.map((part) => [part, ""]));
  const table = new Table({
    head: head.map((text) => pc.bold(text)),
    chars: { ...chars, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  table.push(...rows);
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

const PARTS = [
  ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left"],
  ...["bottom-right", "left", "left-mid", "mid", "mid-mid", "right", "right-mid"],
];
