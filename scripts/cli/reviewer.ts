/** Shows the changes of an engine's run, asks for confirmation, and prints progress. */
import { createInterface } from "node:readline/promises";
import pc from "picocolors";
import type { Plan } from "../../mesh/plan/plan";
import { devicesIn } from "../../mesh/review/review";
import { withTunnelLines } from "../../mesh/review/tunnel-moves";
import { log } from "../log";
import type { QuietRun } from "../stack/engine-run";
import { Failure } from "../stack/failure";
import type { Reviewer } from "../stack/reviewed-run";
import { joinBlocks } from "./command";
import { outdatedText } from "./report-text";
import { PushNotes } from "./push-notes";
import { PushPhases } from "./push-phases";
import { reviewText } from "./review-text";
import { wrapLines } from "./wrap";

interface ReviewerOptions {
  /** Prints what the run will change. */
  print: (text: string) => void;
  plan: Plan | null;
  nonInteractive?: true;
}

export function terminalReviewer({ print, plan, nonInteractive }: ReviewerOptions): Reviewer {
  const notes = new PushNotes(log);
  const phases = new PushPhases();
  const isDevice = (name: string) =>
    plan?.nodes.some((node) => node.name === name && node.hosts.length === 0) === true;
  return {
    show: (run, ended) => {
      phases.expect(run.changes.filter(({ node }) => !isDevice(node)).length);
      // Other outdated devices are listed at the end.
      const outdated = ended === undefined ? null : new Map<string, string[]>();
      print(`${runText({ ...run, outdated }, plan)}\n\n`);
    },
    confirm: async (run) => {
      if (nonInteractive === true || !process.stdin.isTTY) throw needsYes();
      return ask(run);
    },
    report: (event) => {
      phases.add(event);
      if (event.kind === "note") notes.add(event);
      else if (event.kind !== "phase") notes.pushed({ ...event, ok: event.kind === "pushed" });
    },
    progress: () => phases.text,
    end: () => {
      notes.end();
    },
  };
}

function needsYes(): Failure {
  return new Failure(
    "this asks before it begins, and there is no terminal to ask on",
    "no host was touched. To go on without being asked: add --yes",
    2,
  );
}

async function ask(run: QuietRun): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Signals and the end of input count as "no". By default, Ctrl-C and Ctrl-D would end the program silently with exit code 0,
  // and a signal would end it before the caller has reverted its edits.
  let end = (): void => undefined;
  const ended = new Promise<string>((resolve) => {
    end = () => {
      resolve("no");
    };
  });
  terminal.once("SIGINT", end).once("close", end);
  for (const signal of SIGNALS) process.on(signal, end);
  try {
    for (;;) {
      const answer = await Promise.race([terminal.question(QUESTION), ended]);
      if (/^y(es)?$/i.test(answer.trim())) return true;
      if (!/^d(etails)?$/i.test(answer.trim())) {
        log("Nothing was changed.");
        return false;
      }
      log(run.tree);
    }
  } finally {
    for (const signal of SIGNALS) process.off(signal, end);
    terminal.close();
  }
}

/** SIGHUP: the terminal was closed. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const QUESTION = "Make these changes? yes, no, or details: ";

/** The warnings, the changes, and the devices that need a new config because of them. */
export function runText(run: QuietRun, plan: Plan | null): string {
  const warnings = run.warnings.map((text) => wrapLines(`${pc.yellow("warning:")} ${text}`));
  const review = plan === null ? run.review : withTunnelLines(run.review, plan);
  const blocks = [...warnings, reviewText(review, run.cloud), devicesText(run, plan)];
  return joinBlocks(blocks, "\n\n");
}

function devicesText({ review, outdated }: QuietRun, plan: Plan | null): string {
  if (plan === null) return "";
  const found =
    outdated === null ? devicesIn(review) : [...outdated].map(([node, why]) => ({ node, why }));
  return outdatedText(found, plan, "These devices need their config after the up:");
}

/** The failures of a run that do not belong to a node. */
export function failuresText(failed: QuietRun["failed"]): string {
  return failed
    .flatMap(({ node, reason }) => (node === null ? [`${pc.red("error:")} ${reason}`] : []))
    .map(wrapLines)
    .join("\n");
}
