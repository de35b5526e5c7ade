/** Prints the notes of running pushes: each note once, with all hosts that have it. */
import pc from "picocolors";
import { shortList } from "../../mesh/review/short-list";
import { wrapped } from "./wrap";

/** Notes are delayed, because the last one of a failed push is its error, which the engine repeats. */
const DELAY_MS = 1_500;

interface HeldNote {
  text: string;
  timer: NodeJS.Timeout;
}

export class PushNotes {
  private readonly held = new Map<string, HeldNote[]>();
  /** The hosts by note, in order of arrival. */
  private readonly printed = new Map<string, string[]>();

  constructor(private readonly log: (line: string) => void) {}

  add({ node, text }: { node: string; text: string }): void {
    const timer = setTimeout(() => {
      this.release(node);
    }, DELAY_MS);
    this.held.set(node, [...(this.held.get(node) ?? []), { text, timer }]);
  }

  pushed({ node, ok }: { node: string; ok: boolean }): void {
    if (ok) this.release(node);
    else this.take(node);
    this.log(`  ${ok ? pc.green("pushed") : pc.red("failed")}  ${node}`);
  }

  /** Prints the other hosts of notes that several have. */
  end(): void {
    for (const node of this.held.keys()) this.release(node);
    for (const [text, [, ...others]] of this.printed) {
      if (others.length === 0) continue;
      const [first = ""] = text.split(/[:.] /);
      this.log(wrapped("  ", `the same on ${shortList(others)}: ${first}`, 4));
    }
  }

  private release(node: string): void {
    for (const text of this.take(node)) {
      const nodes = this.printed.get(text) ?? [];
      if (nodes.includes(node)) continue;
      this.printed.set(text, [...nodes, node]);
      if (nodes.length === 0) this.log(wrapped("  ", `${node}: ${text}`, 4));
    }
  }

  private take(node: string): string[] {
    const notes = this.held.get(node) ?? [];
    this.held.delete(node);
    for (const { timer } of notes) clearTimeout(timer);
    return notes.map(({ text }) => text);
  }
}
