/** mocha's own `spec` output; its totals also go as JSON into the file that TEST_TOTALS_FILE names, for the closing line over several runs. */
import { writeFileSync } from "node:fs";
import { reporters, type MochaOptions, type Runner } from "mocha";

class ReporterWithTotals extends reporters.Spec {
  constructor(runner: Runner, options: MochaOptions) {
    super(runner, options);
    const file = process.env["TEST_TOTALS_FILE"];
    if (file === undefined) return;
    runner.once("end", () => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
    });
  }
}

// mocha loads a reporter with require() and wants the class itself.
export = ReporterWithTotals;
