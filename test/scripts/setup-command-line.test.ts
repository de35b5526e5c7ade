/** What the set-up takes from its command line, and how it counts tests. All pure. */
import assert from "node:assert/strict";
import { join } from "node:path";

const setup = join(__dirname, "../../scripts/setup");

/** The set-up is plain JavaScript that needs no npm package, so it is loaded as it is. */
async function load<T>(file: string): Promise<T> {
  return (await import(join(setup, file))) as T;
}

interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

describe("set-up: command line", () => {
  const noMachines = { vmTests: false, virtualMachines: false };
  const vm = { vmTests: true, virtualMachines: true };
  const lab = {
    ...{ what: "lab", mayInstall: true, labTests: "leave out", unitTests: false },
    ...noMachines,
  };
  const tests = {
    ...{ what: "test", mayInstall: true, labTests: "run", unitTests: true },
    ...noMachines,
  };
  const onlyVm = { ...tests, ...vm, unitTests: false, labTests: "leave out" };
  const cases: [line: string, expected: object | null][] = [
    ["lab", { ...lab, args: [] }],
    ["lab relay --json", { ...lab, args: ["relay", "--json"] }],
    ["lab quickstart --no-install", { ...lab, mayInstall: false, args: ["quickstart"] }],
    [
      "lab exec laptop cmd --no-install",
      { ...lab, args: ["exec", "laptop", "cmd", "--no-install"] },
    ],
    ["lab ec2", { ...lab, virtualMachines: true, args: ["ec2"] }],
    ["lab down ec2", { ...lab, args: ["down", "ec2"] }],
    ["test", { ...tests, args: [] }],
    ["test --vm", { ...tests, ...vm, args: [] }],
    ["test --vm-only --bail", { ...onlyVm, args: ["--bail"] }],
    ["test test/vm/x.test.ts", { ...onlyVm, args: ["test/vm/x.test.ts"] }],
    ["test --vm --lab-only", null],
    ["test --unit --bail", { ...tests, labTests: "leave out", args: ["--bail"] }],
    ["test --lab-only", { ...tests, unitTests: false, args: [] }],
    ["test --skip-lab", { ...tests, labTests: "skip", args: [] }],
    [
      "test test/mesh/x.test.ts",
      { ...tests, labTests: "leave out", args: ["test/mesh/x.test.ts"] },
    ],
    ["test test/lab/x.test.ts", { ...tests, unitTests: false, args: ["test/lab/x.test.ts"] }],
    ["test --unit --lab-only", null],
    ["deploy", null],
    ["", null],
  ];
  for (const [line, expected] of cases) {
    it(`\`${line}\``, async () => {
      const { parseCommandLine } = await load<{ parseCommandLine: (argv: string[]) => unknown }>(
        "command-line.mjs",
      );
      assert.deepEqual(parseCommandLine(line.split(" ").filter(Boolean)), expected);
    });
  }
});

describe("set-up: counting tests", () => {
  interface Counting {
    totalsOf: (reported: Totals | null, endedWell: boolean) => Totals;
    sum: (runs: Totals[]) => Totals;
    closingLine: (totals: Totals) => string;
    isGood: (totals: Totals) => boolean;
  }
  it("a run that ended badly without a failed test counts as one failure", async () => {
    const { totalsOf } = await load<Counting>("totals.mjs");
    const good = { passed: 3, failed: 0, skipped: 0 };
    assert.deepEqual(totalsOf(good, true), good);
    assert.deepEqual(totalsOf(good, false), { ...good, failed: 1 });
    assert.deepEqual(totalsOf(null, false), { passed: 0, failed: 1, skipped: 0 });
    assert.deepEqual(totalsOf(null, true), { passed: 0, failed: 1, skipped: 0 });
    assert.deepEqual(totalsOf({ ...good, failed: 2 }, false), { ...good, failed: 2 });
  });

  it("closes with one line over all runs, and no test at all is no success", async () => {
    const { sum, closingLine, isGood } = await load<Counting>("totals.mjs");
    const total = sum([
      { passed: 3, failed: 0, skipped: 1 },
      { passed: 2, failed: 1, skipped: 0 },
    ]);
    assert.equal(closingLine(total), "5 passed, 1 failed, 1 skipped");
    assert.equal(closingLine({ passed: 7, failed: 0, skipped: 0 }), "7 passed, 0 failed");
    assert.equal(isGood(total), false);
    assert.equal(isGood({ passed: 7, failed: 0, skipped: 2 }), true);
    assert.equal(isGood({ passed: 0, failed: 0, skipped: 2 }), false);
  });
});
