/** Command line of the set-up, and test counts. */
import assert from "node:assert/strict";
import { join } from "node:path";

const setup = join(__dirname, "../../scripts/setup");

/** Imports a module of the set-up, which is plain JavaScript. */
async function load<T>(file: string): Promise<T> {
  return (await import(join(setup, file))) as T;
}

interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

describe("set-up: command line", () => {
  const lab = {
    ...{ what: "lab", mayInstall: true, node: null, virtualMachines: false },
    ...{ tests: "quick", saveDurations: false },
  };
  const tests = { ...lab, what: "test" };
  const cases: [line: string, expected: object | null][] = [
    ["lab", { ...lab, args: [] }],
    ["lab relay --json", { ...lab, args: ["relay", "--json"] }],
    ["lab quickstart --no-install", { ...lab, mayInstall: false, args: ["quickstart"] }],
    ["lab --node 26 relay", { ...lab, node: 26, args: ["relay"] }],
    [
      "lab exec laptop cmd --no-install --node 22",
      { ...lab, args: ["exec", "laptop", "cmd", "--no-install", "--node", "22"] },
    ],
    ["lab ec2", { ...lab, virtualMachines: true, args: ["ec2"] }],
    ["bench --hosts 4", { ...lab, what: "bench", args: ["--hosts", "4"] }],
    ["bench --all --no-install", { ...lab, what: "bench", mayInstall: false, args: ["--all"] }],
    ["lab down ec2", { ...lab, args: ["down", "ec2"] }],
    ["test", { ...tests, args: [] }],
    ["test --node=22", { ...tests, node: 22, args: [] }],
    ["test --skip-lab", null],
    ["test --node 22", { ...tests, node: 22, args: [] }],
    ["test --all --save-durations", { ...tests, tests: "all", saveDurations: true, args: [] }],
    ["test --vm --bail", { ...tests, tests: "vm", args: ["--bail"] }],
    ["test --unit --bail", { ...tests, tests: "unit", args: ["--bail"] }],
    ["test --lab", { ...tests, tests: "lab", args: [] }],
    ["test test/vm/x.test.ts", { ...tests, tests: "files", args: ["test/vm/x.test.ts"] }],
    ["test ./test/lab/x.test.ts", { ...tests, tests: "files", args: ["./test/lab/x.test.ts"] }],
    ["test --lab test/lab/x.test.ts", null],
    ["test --unit --lab", null],
    ["test --node twenty", null],
    ["deploy", null],
    ["", null],
  ];
  for (const [line, expected] of cases) {
    it(`${expected === null ? "rejects" : "parses"} \`${line}\``, async () => {
      const { parseCommandLine } = await load<{ parseCommandLine: (argv: string[]) => unknown }>(
        "command-line.mjs",
      );
      assert.deepEqual(parseCommandLine(line.split(" ").filter(Boolean)), expected);
    });
  }
});

describe("set-up: counting tests", () => {
  interface Counting {
    totalsOf: (reported: Totals | null, succeeded: boolean) => Totals;
    sum: (runs: Totals[]) => Totals;
    closingLine: (totals: Totals) => string;
    isSuccess: (totals: Totals) => boolean;
  }
  it("counts one failure for a non-zero exit code without a failed test, and for a missing report", async () => {
    const { totalsOf } = await load<Counting>("totals.mjs");
    const good = { passed: 3, failed: 0, skipped: 0 };
    assert.deepEqual(totalsOf(good, true), good);
    assert.deepEqual(totalsOf(good, false), { ...good, failed: 1 });
    assert.deepEqual(totalsOf(null, false), { passed: 0, failed: 1, skipped: 0 });
    assert.deepEqual(totalsOf(null, true), { passed: 0, failed: 1, skipped: 0 });
    assert.deepEqual(totalsOf({ ...good, failed: 2 }, false), { ...good, failed: 2 });
  });

  it("sums up all runs in one line; a run without tests is not a success", async () => {
    const { sum, closingLine, isSuccess } = await load<Counting>("totals.mjs");
    const total = sum([
      { passed: 3, failed: 0, skipped: 1 },
      { passed: 2, failed: 1, skipped: 0 },
    ]);
    assert.equal(closingLine(total), "5 passed, 1 failed, 1 skipped");
    assert.equal(closingLine({ passed: 7, failed: 0, skipped: 0 }), "7 passed, 0 failed");
    assert.equal(isSuccess(total), false);
    assert.equal(isSuccess({ passed: 7, failed: 0, skipped: 2 }), true);
    assert.equal(isSuccess({ passed: 0, failed: 0, skipped: 2 }), false);
  });
});
