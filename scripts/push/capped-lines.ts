/** Splits a stream into lines, up to a limit, because the sender may be broken or hostile. */

export interface LineListener {
  /** Each line, without its end. */
  onLine: (line: string) => void;
  /** Called once, if there is more text than the limit. No line follows. */
  onTooMuch: () => void;
}

/** Takes linear time, even for a line that arrives in many pieces. */
export class CappedLines {
  private listener: LineListener | null;
  private cap: number;
  private seen = 0;
  private unended = "";

  /** `cap`: in characters. */
  constructor(cap: number, listener: LineListener) {
    this.cap = cap;
    this.listener = listener;
  }

  /** The text after the last line end. */
  get rest(): string {
    return this.unended;
  }

  /** Replaces the listener and the limit from the next line on. May be called by onLine. */
  handOver(cap: number, listener: LineListener): void {
    this.cap = cap;
    this.seen = 0;
    this.listener = listener;
  }

  write(text: string): void {
    let start = 0;
    // Searches only the new piece.
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      if (!this.take(text.slice(start, end))) return;
      const line = this.unended;
      this.unended = "";
      start = end + 1;
      this.listener?.onLine(line);
    }
    this.take(text.slice(start));
  }

  /** False if the limit is exceeded. */
  private take(text: string): boolean {
    if (this.listener === null) return false;
    this.seen += text.length + 1;
    if (this.seen <= this.cap) {
      this.unended += text;
      return true;
    }
    const { onTooMuch } = this.listener;
    this.listener = null;
    onTooMuch();
    return false;
  }
}
