/** Progress and warnings on stderr: stdout has only the result, so that it can be piped. */

import { wrapLines } from "./cli/wrap";

const ERASE = "\r\u001B[K";

/** What stands in the last line of the terminal, and goes again. */
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

/** Whether a line can be drawn anew: not in a file, a pipe or a terminal without a cursor. */
export function canDraw(): boolean {
  return process.stderr.isTTY && process.env["TERM"] !== "dumb";
}

/** Draws one line of at most 80 columns in place of the former one, below what is logged; "" takes it away. */
export function draw(text: string): void {
  if (!canDraw()) return;
  // A terminal that knows no width says 0. In the last column some begin a new line.
  const columns = Math.min(80, process.stderr.columns || 80) - 1;
  const line = text.length > columns ? `${text.slice(0, columns - 1)}…` : text;
  if (line === live) return;
  live = line;
  process.stderr.write(`${ERASE}${live}`);
}
