/** Which test files run in which process and in what order, and how many processes run at once. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";

const ROOT = join(__dirname, "../..");
const setup = join(ROOT, "scripts/setup");

/** Imports a module of the set-up, which is plain JavaScript. */
async function load<T>(file: string): Promise<T> {
  return (await import(join(setup, file))) as T;
}

interface Job {
  name: string;
  suite: "unit" | "lab" | "vm";
  files: string[];
  seconds: number;
  weight: number;
}
interface TestJobs {
  allTestFiles: (root: string) => string[];
  selectFiles: (all: string[], request: { tests: string; args: string[] }) => string[];
  jobsFor: (files: string[], durations: Record<string, number>) => Job[];
  SMOKE_FILE: string;
}

const filesOf = (jobs: Job[]) => jobs.flatMap((job) => job.files).sort();

describe("set-up: test jobs", () => {
  it("`test:all` runs every test file of the repository exactly once", async () => {
    const { allTestFiles, selectFiles, jobsFor } = await load<TestJobs>("test-jobs.mjs");
    const all = allTestFiles(ROOT);
    const { readDurations } = await load<{ readDurations: (root: string) => object }>(
      "durations.mjs",
    );
    const durations = readDurations(ROOT) as Record<string, number>;
    const jobs = jobsFor(selectFiles(all, { tests: "all", args: [] }), durations);
    assert.deepEqual(filesOf(jobs), all);
    assert.ok(all.includes("test/scripts/setup-test-jobs.test.ts"), "this file is among them");
    for (const suite of ["unit", "lab", "vm"] as const)
      assert.ok(
        jobs.some((job) => job.suite === suite),
        suite,
      );
  });

  it("the jobs contain each given file exactly once, whatever the durations", async () => {
    const { jobsFor } = await load<TestJobs>("test-jobs.mjs");
    const file = fc
      .tuple(fc.constantFrom("mesh", "lab", "vm"), fc.nat(60))
      .map(([folder, n]) => `test/${folder}/f${n}.test.ts`);
    fc.assert(
      fc.property(
        fc.uniqueArray(file),
        fc.dictionary(file, fc.double({ min: 0, max: 500, noNaN: true })),
        (files, durations) => {
          const jobs = jobsFor(files, durations);
          assert.deepEqual(filesOf(jobs), [...files].sort());
          assert.ok(jobs.every((job) => job.suite === "unit" || job.files.length === 1));
          const work = jobs.map((job) => job.seconds * job.weight);
          assert.deepEqual(
            work,
            [...work].sort((a, b) => b - a),
            "the most work first",
          );
        },
      ),
    );
  });

  it("the file with two machines comes before a longer one, so that it does not wait for small files", async () => {
    const { jobsFor } = await load<TestJobs>("test-jobs.mjs");
    const [push, faults] = ["test/vm/push.test.ts", "test/vm/faults.test.ts"];
    const jobs = jobsFor([push, faults], { [push]: 1500, [faults]: 1300 });
    assert.deepEqual(
      jobs.map((job) => job.name),
      [faults, push],
    );
  });

  it("a fresh clone has a recorded duration for every lab and virtual machine file", async () => {
    const { allTestFiles } = await load<TestJobs>("test-jobs.mjs");
    const recorded = JSON.parse(readFileSync(join(ROOT, "test/durations.json"), "utf8")) as object;
    const missing = allTestFiles(ROOT).filter(
      (file) => /^test\/(lab|vm)\//.test(file) && !Object.hasOwn(recorded, file),
    );
    // To record them: npm run test:all -- --save-durations
    assert.deepEqual(missing, []);
  });

  it("the four parts of the unit tests differ by no more than the longest file", async () => {
    const { jobsFor } = await load<TestJobs>("test-jobs.mjs");
    const durations = { a: 9, b: 1, c: 4, d: 4, e: 2, f: 0.5, g: 5, h: 3 };
    const files = Object.keys(durations).map((name) => `test/${name}.test.ts`);
    const named = Object.fromEntries(
      Object.entries(durations).map(([name, seconds]) => [`test/${name}.test.ts`, seconds]),
    );
    const seconds = jobsFor(files, named).map((job) => job.seconds);
    assert.deepEqual(seconds, [9, 7, 6.5, 6]);
  });

  it("a path selects that file, or the files of that folder", async () => {
    const { selectFiles } = await load<TestJobs>("test-jobs.mjs");
    const all = ["test/lab/a.test.ts", "test/mesh/b.test.ts", "test/mesh/plan/c.test.ts"];
    const select = (...args: string[]) => selectFiles(all, { tests: "files", args });
    assert.deepEqual(select("./test/lab/a.test.ts"), ["test/lab/a.test.ts"]);
    assert.deepEqual(select("test/mesh/", "--bail"), all.slice(1));
    assert.deepEqual(select("test/mesh/plan"), all.slice(2));
    assert.deepEqual(select("test/none.test.ts"), []);
  });

  it("the quick run is the unit tests and the smoke test", async () => {
    const { allTestFiles, selectFiles, SMOKE_FILE } = await load<TestJobs>("test-jobs.mjs");
    const all = allTestFiles(ROOT);
    const quick = selectFiles(all, { tests: "quick", args: [] });
    assert.ok(quick.includes(SMOKE_FILE));
    assert.deepEqual(
      quick.filter((file) => /^test\/(lab|vm)\//.test(file)),
      [SMOKE_FILE],
    );
    assert.deepEqual(
      [...quick, ...all.filter((file) => /^test\/(lab|vm)\//.test(file))].length - 1,
      all.length,
    );
  });
});

describe("set-up: the queue of jobs", () => {
  interface Queue {
    runQueue: <T>(
      jobs: { weight: number; name: string }[],
      capacity: number,
      run: (job: { weight: number; name: string }) => Promise<T>,
    ) => Promise<T[]>;
  }
  const jobs = (...weights: number[]) =>
    weights.map((weight, at) => ({ weight, name: String.fromCharCode(97 + at) }));

  it("never exceeds the capacity, and returns the results in the order of the jobs", async () => {
    const { runQueue } = await load<Queue>("job-queue.mjs");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(40, 80, 100, 300), { maxLength: 12 }),
        async (weights) => {
          let used = 0;
          const results = await runQueue(jobs(...weights), 200, async (job) => {
            used += job.weight;
            assert.ok(used <= Math.max(200, job.weight), String(used));
            await new Promise((resolve) => setImmediate(resolve));
            used -= job.weight;
            return job.name;
          });
          assert.deepEqual(
            results,
            jobs(...weights).map((job) => job.name),
          );
        },
      ),
    );
  });

  it("starts a job that fits before an earlier one that does not", async () => {
    const { runQueue } = await load<Queue>("job-queue.mjs");
    const started: string[] = [];
    const ends = new Map<string, () => void>();
    const all = runQueue(jobs(1, 1.5, 1), 2, (job) => {
      started.push(job.name);
      return new Promise<void>((resolve) => ends.set(job.name, resolve));
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(started, ["a", "c"]);
    ends.get("a")?.();
    ends.get("c")?.();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(started, ["a", "c", "b"]);
    ends.get("b")?.();
    await all;
  });

  it("starts nothing more after a rejection", async () => {
    const { runQueue } = await load<Queue>("job-queue.mjs");
    const started: string[] = [];
    const all = runQueue(jobs(2, 2, 2), 2, (job) => {
      started.push(job.name);
      return Promise.reject(new Error("interrupted"));
    });
    await assert.rejects(all, /interrupted/);
    assert.deepEqual(started, ["a"]);
  });
});

describe("set-up: which Node runs lab and tests", () => {
  const cases: [running: string, wanted: number | null, major: number | null][] = [
    ["20.20.2", null, 24],
    ["22.11.0", null, 24],
    ["22.12.0", null, null],
    ["22.0.0", 22, 22],
    ["24.21.0", null, null],
    ["26.12.1", null, null],
    ["26.12.1", 22, 22],
    ["22.23.3", 22, null],
    ["20.20.2", 26, 26],
  ];
  for (const [running, wanted, major] of cases) {
    it(`on Node ${running}${wanted === null ? "" : `, asked for ${wanted}`}: ${major === null ? "the running one" : `fetches ${major}`}`, async () => {
      const { majorToFetch } = await load<{
        majorToFetch: (running: string, wanted: number | null) => number | null;
      }>("node.mjs");
      assert.equal(majorToFetch(running, wanted), major);
    });
  }

  it("prints the remedy if the registry has no Node for the machine", async () => {
    const { ensureNode } = await load<{
      ensureNode: (root: string, major: number, machine: object) => Promise<string>;
    }>("node.mjs");
    await assert.rejects(
      ensureNode("/nowhere", 24, { platform: "darwin", arch: "arm64" }),
      /Linux on x64 and arm64 only\.\n {2}Install Node 24 \(https:\/\/nodejs\.org, or `nvm install 24`\)/,
    );
  });
});
