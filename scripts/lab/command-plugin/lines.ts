/** Splits output into lines like the real plugin (Go's bufio.Scanner). */

/** The longest line, in bytes, that the real plugin can read; on a longer one its reader stops and the command hangs. */
export const longestLine = 64 * 1024 - 1;

export class LineSplitter {
  private rest: Buffer = Buffer.alloc(0);

  constructor(private readonly onLine: (line: string) => void) {}

  /** Both streams share one splitter, so partial lines of the two can be joined. @returns whether no line is too long. */
  push(bytes: Buffer): boolean {
    let rest = Buffer.concat([this.rest, bytes]);
    for (let end = rest.indexOf("\n"); end >= 0 && end <= longestLine; end = rest.indexOf("\n")) {
      this.onLine(text(rest.subarray(0, end)));
      rest = rest.subarray(end + 1);
    }
    this.rest = rest;
    return rest.length <= longestLine;
  }

  /** Emits the text after the last newline, if any. */
  end(): void {
    if (this.rest.length > 0) this.onLine(text(this.rest));
  }
}

function text(line: Buffer): string {
  return line.toString().replace(/\r$/, "");
}
