/** `status --watch`: refreshes the status until it is interrupted. */
import { setTimeout as sleep } from "node:timers/promises";
import { flushOut, writeOut } from "../../cli/stdout";
import type { HostAnswers } from "../../stack/query-hosts";
import type { NodePlan } from "../../../mesh/plan/plan";
import type { Access } from "../../stack/host-access";
import { HostWatcher } from "../../stack/watch-hosts";
import { withRates, type LinkRate } from "./rates";
import { statusReport, type StatusReport } from "./status-report";

export interface Watched {
  /** The nodes of the report. */
  nodes: readonly NodePlan[];
  /** The nodes whose hosts are queried. */
  queried: readonly NodePlan[];
  access: Access;
  everyMs: number;
  /** Time limit of the first round, which logs in. */
  firstMs: number;
  /** Renders one round. */
  show: (report: StatusReport, links: LinkRate[], answers: HostAnswers) => void;
}

/** Time limit of a round with open connections. */
const ROUND_MS = 5_000;

/** Resolves when a signal or the reader of stdout ends it; true if the last round was ok. */
export async function watchStatus(watched: Watched): Promise<boolean> {
  const { nodes, queried, access, everyMs, firstMs, show } = watched;
  const ending = new AbortController();
  const end = (): void => {
    ending.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, end);
  process.stdout.once("error", end);
  const isOver = new Promise<null>((resolve) => {
    ending.signal.addEventListener("abort", () => {
      resolve(null);
    });
  });
  const watch = new HostWatcher(queried, access);
  let before: HostAnswers = new Map();
  let ok = false;
  try {
    for (let limitMs = firstMs; ; limitMs = Math.min(everyMs, ROUND_MS)) {
      const begun = performance.now();
      const answers = await Promise.race([watch.poll(limitMs), isOver]);
      if (answers === null) return ok;
      const report = statusReport(nodes, access, answers);
      ok = report.ok;
      show(report, withRates(report.links, access.plan, before, answers), answers);
      before = answers;
      await flushOut();
      const left = Math.max(0, everyMs - (performance.now() - begun));
      const signal = { signal: ending.signal };
      await sleep(left, undefined, signal).catch(() => undefined);
      if (ending.signal.aborted) return ok;
    }
  } finally {
    await watch.end();
    // Do not wait for pending logins.
    setTimeout(() => process.exit(), END_MS).unref();
  }
}

const END_MS = 500;

const HOME = "\u001B[H";
const TO_LINE_END = "\u001B[K";
const TO_END = "\u001B[J";
const OTHER_SCREEN = "\u001B[?1049h\u001B[?25l";
const FORMER_SCREEN = "\u001B[?25h\u001B[?1049l";

/** Shows each text in place of the former one, on the alternate screen; when closed, prints the last one on the normal screen. */
export class LiveScreen {
  private last = "";

  constructor() {
    writeOut(OTHER_SCREEN);
  }

  show(text: string): void {
    this.last = text;
    writeOut(HOME + text.replaceAll("\n", `${TO_LINE_END}\n`) + TO_LINE_END + TO_END);
  }

  close(): void {
    writeOut(`${FORMER_SCREEN}${this.last}\n`);
  }
}
