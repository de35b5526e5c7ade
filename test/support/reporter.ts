/**
 * Prints mocha's own `spec` output, and writes the totals, the failed tests and the seconds of each test file to the
 * file in TEST_REPORT_FILE, for the test runner, which starts several mocha processes.
 */
import { writeFileSync } from "node:fs";
import { constants } from "node:os";
import * as path from "node:path";
import { reporters, type Hook, type MochaOptions, type Runner, type Test } from "mocha";

class ReporterWithReport extends reporters.Spec {
  constructor(runner: Runner, options: MochaOptions) {
    super(runner, options);
    const report = process.env["TEST_REPORT_FILE"];
    if (report === undefined) return;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.on(signal, () => {
        interrupt(runner, signal);
      });
    const milliseconds = new Map<string, number>();
    const failures: string[] = [];
    const count = (runnable: Test | Hook): void => {
      const absolute = runnable.file ?? runnable.parent?.file;
      // A hook outside of all suites runs for every file of the process.
      if (absolute === undefined) return;
      const file = path.relative(process.cwd(), absolute);
      milliseconds.set(file, (milliseconds.get(file) ?? 0) + (runnable.duration ?? 0));
    };
    runner.on("test end", count);
    runner.on("hook end", count);
    runner.on("fail", (test, error: Error) => failures.push(test.fullTitle() + inShort(error)));
    runner.once("end", () => {
      const { passes, failures: failed, pending } = this.stats;
      const files = Object.fromEntries(
        [...milliseconds].map(([file, time]) => [file, Math.round(time) / 1000]),
      );
      const totals = { passed: passes, failed, skipped: pending };
      writeFileSync(report, JSON.stringify({ ...totals, failures, files }));
    });
  }
}

/** The beginning of an error's message, and where it happened in a test: a log may be cut down to the end of the run. */
function inShort({ message = "", stack = "" }: Partial<Error>): string {
  const place = /test\/[^\s)]*\.ts:\d+/.exec(stack);
  // Indented JSON would use up all lines.
  const words = message.replaceAll(/([{[,])\s*\n\s*/g, "$1 ").split("\n");
  const lines = words.filter((line) => line.trim() !== "").map((line) => line.slice(0, 600));
  const shown = [...lines.slice(0, 6), ...(place === null ? [] : [`at ${place[0]}`])];
  return shown.map((line) => `\n    ${line}`).join("");
}

/** Ends the run after its `after` hooks, which take labs down; mocha by itself exits at once. */
function interrupt(runner: Runner, signal: "SIGINT" | "SIGTERM" | "SIGHUP"): void {
  // npm and terminals may repeat a signal, which must not end the hooks.
  if (interrupted) return;
  interrupted = true;
  runner.once("end", () => process.exit(128 + constants.signals[signal]));
  runner.abort();
  // abort() alone waits for the running test; this fails it at once.
  throw new Error(`interrupted by ${signal}`);
}

let interrupted = false;

// mocha loads a reporter with require(), so the class itself must be the export.
export = ReporterWithReport;
