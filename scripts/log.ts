/** Progress and warnings on stderr: stdout has only the result, so that it can be piped. */

import { wrapLines } from "./cli/wrap";

const ERASE = "\r\u001B[K";

/** The progress line at the bottom of the terminal. */
let live = "";

/** On a terminal in lines of at most 80 columns; a file has each message as it is, so that it can be searched. */
export function log(text: string): void {
  const lines = process.stderr.isTTY ? narrow(text) : text;
  process.stderr.write(live === "" ? `${lines}\n` : `${ERASE}${lines}\n${live}`);
}

/** Lines that fit stay as they are: they may be a table. */
function narrow(text: string): string {
  return text
    .split("\n")
    .map((line) => (line.length > 80 ? wrapLines(line) : line))
    .join("\n");
}

/** Whether a line can be redrawn: not in a file, a pipe or a dumb terminal. */
export function canDraw(): boolean {
  return process.stderr.isTTY && process.env["TERM"] !== "dumb";
}

/** Redraws the progress line (at most 80 columns) below the log; "" removes it. */
export function draw(text: string): void {
  if (!canDraw()) return;
  // The width is 0 if unknown. Some terminals wrap in the last column.
  const columns = Math.min(80, process.stderr.columns || 80) - 1;
  const line = text.length > columns ? `${text.slice(0, columns - 1)}…` : text;
  if (line === live) return;
  live = line;
  process.stderr.write(`${ERASE}${live}`);
}
