/** A session with a shell: waiting for a line or for the end, time limits, and too much output. */
import * as assert from "node:assert/strict";
import { startGroup } from "../../scripts/push/children";
import { plainEnvironment } from "../../scripts/push/environment";
import { logIn } from "../../scripts/push/login";
import { RootShell, SessionLost } from "../../scripts/push/session";

const LONG_MS = 60_000;

/** A session with a shell of this machine that runs a script; it need not be root. */
async function sessionOf(script: string): Promise<RootShell> {
  const child = startGroup(
    ["sh", "-c", `echo wireguard-mesh: ready; ${script}`],
    plainEnvironment(),
  );
  const shell = await logIn({
    ...{ child, node: "desktop", through: "local", logs: [] },
    ...{ limitMs: LONG_MS, longestMs: LONG_MS, connectSeconds: 6 },
    onJumped: () => undefined,
    onSlow: () => undefined,
  });
  assert.ok(shell instanceof RootShell);
  open.push(shell);
  return shell;
}

const open: RootShell[] = [];

/** Why a session was lost. */
async function lossOf(work: Promise<unknown>): Promise<SessionLost> {
  const problem = await work.then(
    () => assert.fail("was not lost"),
    (error: unknown) => error,
  );
  assert.ok(problem instanceof SessionLost);
  return problem;
}

describe("a session with a host", () => {
  afterEach(() => {
    for (const shell of open.splice(0)) shell.breakOff();
  });

  it("is interactive: later input depends on earlier output", async () => {
    const shell = await sessionOf("exec sh -s");
    shell.send(
      "main() { echo one; echo 'two 2'; echo observed; read -r x; echo got $x; }\nmain; exit 4\n",
    );
    assert.deepEqual(await shell.until("observed", LONG_MS), ["one", "two 2"]);
    shell.send("this\n");
    assert.deepEqual(await shell.until(/^got th/, LONG_MS), []);
    const run = await shell.finish(LONG_MS);
    assert.deepEqual(run, { stdout: "", stderr: "", exitCode: 4, through: "local" });
  });

  it("returns each line once, also those that arrive together with the expected one", async () => {
    const shell = await sessionOf("printf 'a\\nmark\\nb\\nmark\\nc\\nrest'; cat >/dev/null");
    assert.deepEqual(await shell.until("mark", LONG_MS), ["a"]);
    assert.deepEqual(await shell.until("mark", LONG_MS), ["b"]);
    assert.equal((await shell.finish(LONG_MS)).stdout, "c\nrest");
  });

  it("finds no marker in a part of another line", async () => {
    const shell = await sessionOf("echo marker; echo ' mark'; echo mark; cat >/dev/null");
    assert.deepEqual(await shell.until("mark", LONG_MS), ["marker", " mark"]);
  });

  it("that the host ends before it has answered is lost, with its last output", async () => {
    const shell = await sessionOf("echo some; echo 'error: no room' >&2; exit 1");
    const lost = await lossOf(shell.until("observed", LONG_MS));
    assert.deepEqual([lost.why, lost.run.exitCode], ["ended", 1]);
    assert.deepEqual([lost.run.stdout, lost.run.stderr], ["some\n", "error: no room\n"]);
    assert.equal(
      lost.message,
      "desktop: the program on the host ended with code 1 before it had answered",
    );
    assert.equal((await lossOf(shell.until("observed", LONG_MS))).why, "ended");
  });

  it("whose connection breaks has no exit code", async () => {
    const lost = await lossOf((await sessionOf("exit 255")).until("observed", LONG_MS));
    assert.equal(lost.run.exitCode, null);
    assert.match(lost.message, /the connection broke before the host had answered/);
  });

  it("is ended when an answer takes too long", async () => {
    const shell = await sessionOf("echo some; exec sleep 60");
    const lost = await lossOf(shell.until("observed", 300));
    assert.deepEqual([lost.why, lost.run.stdout], ["late", "some\n"]);
    const again = await sessionOf("echo some; exec sleep 60");
    const run = await again.finish(300);
    assert.deepEqual([run.stdout, run.exitCode], ["some\n", null]);
  });

  it("is ended when the host prints without end, and keeps no more than the cap", async () => {
    const shell = await sessionOf("exec yes a short line");
    const begun = performance.now();
    const lost = await lossOf(shell.until("observed", LONG_MS));
    assert.equal(lost.why, "too-much");
    assert.ok(lost.run.stdout.length <= 16 << 20);
    assert.match(lost.message, /the host printed more than 16 MB/);
    assert.ok(performance.now() - begun < 15_000);
    const unended = await sessionOf("exec cat /dev/zero");
    assert.equal((await lossOf(unended.finish(LONG_MS))).why, "too-much");
  });

  it("is ended when the host writes to stderr without end", async () => {
    const shell = await sessionOf("exec yes complaint >&2");
    const lost = await lossOf(shell.until("observed", LONG_MS));
    assert.equal(lost.why, "too-much");
    assert.ok(lost.run.stderr.length <= 256 << 10);
  });

  it("takes no time for a million short lines", async () => {
    const shell = await sessionOf("yes ab | head -n 1000000; echo observed; cat >/dev/null");
    const begun = performance.now();
    assert.equal((await shell.until("observed", LONG_MS)).length, 1_000_000);
    assert.ok(performance.now() - begun < 15_000);
  });
});
