/** How a captured mocha process ends when the test run is interrupted. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";

const runNode = join(__dirname, "../../scripts/setup/run-node.mjs");

interface Captured {
  code: number;
  signal: NodeJS.Signals | null;
  interruption: NodeJS.Signals | null;
  output: string;
}

describe("set-up: interrupting captured tests", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "setup-test-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /**
   * Runs a script in place of mocha through captureNode and sends signals to the runner's process group, as a terminal, CI
   * and `kill -- -PGID` do.
   */
  async function interrupt(
    signals: NodeJS.Signals[],
    script: { onSigint: string; graceSeconds?: number },
  ): Promise<Captured> {
    writeFileSync(
      join(folder, "tests.mjs"),
      `import { writeFileSync } from "node:fs";
       process.on("SIGINT", () => { ${script.onSigint} });
       setInterval(() => {}, 1000);
       writeFileSync("ready", "");`,
    );
    const how = { cwd: folder, graceSeconds: script.graceSeconds };
    writeFileSync(
      join(folder, "runner.mjs"),
      `import { captureNode } from ${JSON.stringify(runNode)};
       const how = { ...${JSON.stringify(how)}, env: process.env };
       console.log(JSON.stringify(await captureNode(["tests.mjs"], how)));`,
    );
    const runner = spawn(process.execPath, [join(folder, "runner.mjs")], {
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(runner, "exit");
    const stdout = text(runner.stdout);
    while (!existsSync(join(folder, "ready"))) await wait(20);
    for (const signal of signals) process.kill(-Number(runner.pid), signal);
    assert.deepEqual(await exited, [0, null]);
    return JSON.parse(await stdout) as Captured;
  }

  const onSigint = `setTimeout(() => { console.log("hooks ran"); process.exit(0); }, 200);`;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    it(`passes ${signal} on as SIGINT and waits for the hooks`, async () => {
      const { code, interruption, output } = await interrupt([signal], { onSigint });
      assert.deepEqual(
        { code, interruption, output },
        {
          ...{ code: 0, interruption: signal, output: "hooks ran\n" },
        },
      );
    });
  }

  it("sends SIGINT only once, because a second one would end mocha without its hooks", async () => {
    const count = `console.log("SIGINT"); setTimeout(() => process.exit(0), 500);`;
    const { output } = await interrupt(["SIGTERM", "SIGTERM", "SIGINT"], { onSigint: count });
    assert.equal(output, "SIGINT\n");
  });

  it("kills tests that are still running after the grace period", async () => {
    const captured = await interrupt(["SIGTERM"], { onSigint: "", graceSeconds: 0.3 });
    assert.equal(captured.signal, "SIGKILL");
    assert.equal(captured.interruption, "SIGTERM");
  });
});
