/** Text that comes in pieces, as whole lines, and no more of it than is sound: what sends it may be broken or hostile. */

export interface LineListener {
  /** Each line, without its end. */
  onLine: (line: string) => void;
  /** Called once, when there is more text than the cap. No line follows. */
  onTooMuch: () => void;
}

/** The work for a text is in proportion to its length, whatever its lines are like. */
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

  /** The text after the last line end, as far as it has come. */
  get rest(): string {
    return this.unended;
  }

  /** From the next line on another one listens, with a cap of its own. May be called while a line is heard. */
  handOver(cap: number, listener: LineListener): void {
    this.cap = cap;
    this.seen = 0;
    this.listener = listener;
  }

  write(text: string): void {
    let start = 0;
    // Only the new piece is searched: a line without an end that comes in many pieces is not read again for each.
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      if (!this.take(text.slice(start, end))) return;
      const line = this.unended;
      this.unended = "";
      start = end + 1;
      this.listener?.onLine(line);
    }
    this.take(text.slice(start));
  }

  /** False when there is too much, and nobody listens any more. */
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
