/** Output, cut into lines as the real plugin does for the engine's log (Go's bufio.Scanner). */

/** The longest line that the real plugin can take, in bytes; on a longer one its reader stops, and the command hangs. */
export const longestLine = 64 * 1024 - 1;

export class LineCutter {
  private rest: Buffer = Buffer.alloc(0);

  constructor(private readonly onLine: (line: string) => void) {}

  /** Both streams share one cutter, so half lines of the two can meet. Returns whether all lines are short enough. */
  push(bytes: Buffer): boolean {
    let rest = Buffer.concat([this.rest, bytes]);
    for (let end = rest.indexOf("\n"); end >= 0 && end <= longestLine; end = rest.indexOf("\n")) {
      this.onLine(text(rest.subarray(0, end)));
      rest = rest.subarray(end + 1);
    }
    this.rest = rest;
    return rest.length <= longestLine;
  }

  /** What stands after the last newline is a line too, if it is anything. */
  end(): void {
    if (this.rest.length > 0) this.onLine(text(this.rest));
  }
}

function text(line: Buffer): string {
  return line.toString().replace(/\r$/, "");
}
