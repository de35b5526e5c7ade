/** The report for the test runner, and the end of an interrupted mocha. With real mocha processes. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { poll } from "../../scripts/poll";

const ROOT = join(__dirname, "../..");

describe("the reporter", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "reporter-test-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const report = () => join(folder, "report.json");

  function startMocha(test: string) {
    const file = join(folder, "x.test.js");
    writeFileSync(file, `const fs = require("node:fs");\nconst folder = __dirname;\n${test}`);
    const args = [
      join(ROOT, "node_modules/mocha/bin/mocha.js"),
      ...["--no-config", "--require", "./scripts/load-typescript.cjs"],
      ...["--reporter", join(ROOT, "test/support/reporter.ts"), file],
    ];
    return spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: "ignore",
      env: { ...process.env, TEST_REPORT_FILE: report() },
    });
  }

  it("writes totals, titles of failures and the time of each file, hooks included", async () => {
    const mocha = startMocha(`
      describe("slow", () => {
        before((done) => setTimeout(done, 300));
        it("passes too", () => {});
      });
      it("passes", () => {});
      it.skip("is skipped", () => {});
      describe("a group", () => it("fails", () => { throw new Error("no\\n\\nreason"); }));`);
    assert.deepEqual(await once(mocha, "exit"), [1, null]);
    const { files, ...rest } = JSON.parse(readFileSync(report(), "utf8")) as {
      files: Record<string, number>;
    };
    assert.deepEqual(rest, {
      passed: 2,
      failed: 1,
      skipped: 1,
      failures: ["a group fails\n    no\n    reason"],
    });
    assert.deepEqual(
      Object.keys(files).map((file) => basename(file)),
      ["x.test.js"],
    );
    const [seconds] = Object.values(files);
    assert.ok(seconds !== undefined && seconds >= 0.25, String(seconds));
  });

  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    it(`runs the after hooks when ${signal} interrupts a running test`, async () => {
      const mocha = startMocha(`
        const mark = (name) => fs.writeFileSync(folder + "/" + name, "");
        after((done) => setTimeout(() => { mark("cleaned"); done(); }, 100));
        it("hangs", () => { mark("running"); return new Promise(() => {}); }).timeout(60_000);
        it("does not start", () => mark("started"));`);
      const exited = once(mocha, "exit");
      const running = () => (existsSync(join(folder, "running")) ? true : undefined);
      assert.equal(await poll(running, { limitMs: 15_000, pauseMs: 20 }), true);
      mocha.kill(signal);
      assert.deepEqual(await exited, [code, null]);
      assert.equal(existsSync(join(folder, "cleaned")), true);
      assert.equal(existsSync(join(folder, "started")), false);
    });
  }
});
