/** Progress and warnings on stderr: stdout has only the result, so that it can be piped. */

const ERASE = "\r\u001B[K";

/** What stands in the last line of the terminal, and goes again. */
let live = "";

export function log(text: string): void {
  process.stderr.write(live === "" ? `${text}\n` : `${ERASE}${text}\n${live}`);
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
