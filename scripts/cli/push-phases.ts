/** The progress of all pushes of a run in one line: `pushed 3 of 12: desktop changing, laptop observing`. */
import type { RunEvent } from "../stack/reviewed-run";

/** At most this many pushes are named. */
const SHOWN = 3;

export class PushPhases {
  private readonly phases = new Map<string, string>();
  private done = 0;

  /** `hosts`: how many will be pushed to; null: unknown. */
  constructor(private hosts: number | null = null) {}

  /** Called with the number of hosts after a preview. */
  expect(hosts: number): void {
    this.hosts = hosts;
  }

  add(event: RunEvent): void {
    if (event.kind === "phase") this.phases.set(event.node, event.phase);
    else if (event.kind !== "note") {
      this.phases.delete(event.node);
      this.done++;
    }
  }

  get text(): string {
    const begun = this.done > 0 || this.phases.size > 0;
    if (!begun) return "starting the engine";
    const of = this.hosts === null || this.hosts < this.done ? "" : ` of ${this.hosts}`;
    const named = [...this.phases].slice(0, SHOWN).map(([node, phase]) => `${node} ${phase}`);
    const more = this.phases.size - named.length;
    const list = [...named, ...(more > 0 ? [`${more} more`] : [])].join(", ");
    return `pushed ${this.done}${of}${list === "" ? "" : `: ${list}`}`;
  }
}
