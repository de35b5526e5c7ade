/** The steps of a login and their time limits, with stand-ins for ssh. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { poll } from "../../scripts/poll";
import { startGroup } from "../../scripts/push/children";
import { plainEnvironment } from "../../scripts/push/environment";
import { logIn, type FailedLogin } from "../../scripts/push/login";
import type { StepLimits } from "../../scripts/push/login-clock";
import { RootShell } from "../../scripts/push/session";
import { LET_IN, logOf } from "./support/failed-login";

const ACCEPTED = logOf("debug1: Server accepts key: k ED25519-SK SHA256:abc agent");
/** A limit that no test reaches. */
const NEVER_MS = 60_000;

describe("a login", () => {
  let folder: string;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "wgm-login-"));
    fs.writeFileSync(path.join(folder, "let-in"), LET_IN);
    fs.writeFileSync(path.join(folder, "accepted"), ACCEPTED);
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  interface Watched {
    end: RootShell | FailedLogin;
    tookMs: number;
    slow: string[];
    jumped: number;
  }

  /** `script` stands in for ssh, in a folder with the files `let-in` and `accepted`; it writes its log to `log`, a jump's to `jump`. */
  async function watch(
    script: string,
    limits: Partial<StepLimits> & { limitMs?: number; longestMs?: number } = {},
    logs = ["log"],
  ): Promise<Watched> {
    const slow: string[] = [];
    let jumped = 0;
    const begun = performance.now();
    const { limitMs = NEVER_MS, longestMs = NEVER_MS, ...steps } = limits;
    const end = await logIn({
      child: startGroup(["sh", "-c", `cd ${folder}; ${script}`], plainEnvironment()),
      ...{ node: "desktop", through: "taro@10.0.0.2", connectSeconds: 0.3, limitMs, longestMs },
      logs: logs.map((name) => path.join(folder, name)),
      onJumped: () => (jumped += 1),
      onSlow: (words) => slow.push(words),
      stepMs: { shell: NEVER_MS, root: NEVER_MS, touch: NEVER_MS, slow: NEVER_MS, ...steps },
    });
    return { end, tookMs: performance.now() - begun, slow, jumped };
  }

  function failed({ end }: Watched): FailedLogin {
    assert.ok(!(end instanceof RootShell));
    return end;
  }

  function lastChange({ end }: Watched): string {
    assert.ok(end instanceof RootShell, JSON.stringify(end));
    end.breakOff();
    return end.lastChange;
  }

  it("is complete when the root shell greets, whatever start-up files print before", async () => {
    const noise = "printf 'no line end'; echo wireguard-mesh: shell; echo noise; echo talk >&2";
    const done = await watch(`${noise}; echo wireguard-mesh: ready 0a1b2c; exec sleep 60`);
    assert.equal(lastChange(done), "0a1b2c");
    assert.equal(lastChange(await watch("echo wireguard-mesh: ready; exec sleep 60")), "");
  });

  it("ends at once with ssh, with its exit code and all output", async () => {
    const { logTexts, output, exitCode, step } = failed(
      await watch("echo refused >log; echo banner >&2; printf 'last words'; exit 255"),
    );
    assert.deepEqual([logTexts, exitCode, step], [["refused\n"], 255, "ssh"]);
    assert.deepEqual(output.split("\n"), ["banner", "last words", ""]);
  });

  it("gives up when there is no answer", async () => {
    const { gaveUpAfterS, step, isTooMuch } = failed(
      await watch("exec sleep 60", { limitMs: 300 }),
    );
    assert.deepEqual([gaveUpAfterS !== null, step, isTooMuch], [true, "ssh", false]);
  });

  it("has more time for each further address, within the time for all", async () => {
    const dial = (n: number): string =>
      logOf(`debug1: Connecting to relay [2001:db8::${n}] port 22.`);
    fs.writeFileSync(path.join(folder, "three"), dial(1) + dial(2) + dial(3));
    const three = await watch("cp three log; exec sleep 60", { limitMs: 400 });
    assert.ok(three.tookMs > 1_000, `${three.tookMs}`);
    const limited = await watch("cp three log; exec sleep 60", { limitMs: 400, longestMs: 500 });
    assert.ok(limited.tookMs < three.tookMs, `${limited.tookMs}`);
  });

  it("gives a key time for its touch, and reports the wait", async () => {
    const limits = { limitMs: 300, slow: 100 };
    const touched = await watch(
      "cp accepted log; sleep 0.8; cat let-in >>log; echo wireguard-mesh: ready; exec sleep 60",
      limits,
    );
    assert.equal(lastChange(touched), "");
    assert.deepEqual(touched.slow, [
      "waits for your SSH key ED25519-SK SHA256:abc: touch the token",
    ]);
    const untouched = await watch("cp accepted log; exec sleep 60", { ...limits, touch: 700 });
    assert.notEqual(failed(untouched).gaveUpAfterS, null);
    assert.ok(untouched.tookMs > 700);
  });

  it("gives start-up files time from the authentication on", async () => {
    const limits = { limitMs: 300 };
    const slow = await watch(
      "cp let-in log; sleep 0.8; echo wireguard-mesh: ready; exec sleep 60",
      limits,
    );
    assert.equal(lastChange(slow), "");
    const never = await watch("cp let-in log; echo hello; exec sleep 60", {
      ...limits,
      shell: 700,
    });
    const { step, output, gaveUpAfterS } = failed(never);
    assert.deepEqual([step, output.trim()], ["ssh", "hello"]);
    assert.ok(gaveUpAfterS !== null && never.tookMs > 700);
  });

  it("gives sudo time from its start, and reports the wait", async () => {
    const asks = "cp let-in log; echo wireguard-mesh: shell";
    const limits = { limitMs: 100, shell: 100, slow: 100 };
    const slow = await watch(
      `${asks}; sleep 0.8; echo wireguard-mesh: ready; exec sleep 60`,
      limits,
    );
    assert.equal(lastChange(slow), "");
    assert.deepEqual(slow.slow, ["is let in, and waits for sudo there"]);
    const never = await watch(`${asks}; exec sleep 60`, { ...limits, root: 700 });
    assert.equal(failed(never).step, "root");
    assert.ok(failed(never).gaveUpAfterS !== null && never.tookMs > 700);
  });

  it("reports that the host's own name made sudo slow, also if sudo's message comes after the greeting", async () => {
    const words = "echo 'sudo: unable to resolve host desk: no answer' >&2";
    const ready = "echo wireguard-mesh: ready";
    for (const order of [`${words}; sleep 0.3; ${ready}`, `${ready}; sleep 0.3; ${words}`]) {
      const { end, slow } = await watch(
        `cp let-in log; echo wireguard-mesh: shell; sleep 3; ${order}; exec sleep 60`,
      );
      const said = await poll(() => slow[0], { limitMs: 3_000, pauseMs: 20 });
      assert.ok(end instanceof RootShell);
      end.breakOff();
      assert.match(
        said ?? "",
        /^sudo took 3 s there, for the host's own name desk does not/,
        order,
      );
    }
  }).timeout(15_000);

  it("is not complete when a program prints the command instead of running it", async () => {
    const echoed = failed(
      await watch(
        `cp let-in log; echo 'not allowed: exec sh -c '"'"'echo "wireguard-mesh": shell; echo "wireguard-mesh": ready; exec sh -s'"'"; exit 1`,
      ),
    );
    assert.deepEqual([echoed.step, echoed.exitCode], ["ssh", 1]);
  });

  it("ends at once where cloud-init rejects root, without its delay", async () => {
    const words = `Please login as the user "ubuntu" rather than the user "root".`;
    const away = await watch(`cp let-in log; echo '${words}'; echo; sleep 10; exit 142`);
    assert.equal(failed(away).output.trim(), words);
    assert.ok(away.tookMs < 8_000, `${away.tookMs}`);
  });

  it("reports once when the first jump has authenticated the user", async () => {
    const { end, jumped } = await watch(
      "cp let-in jump; sleep 0.3; echo >>jump; sleep 0.3; echo wireguard-mesh: ready; exec sleep 60",
      {},
      ["jump", "log"],
    );
    assert.ok(end instanceof RootShell);
    end.breakOff();
    assert.equal(jumped, 1);
  });

  it("is ended when the host, or a jump, prints without end", async () => {
    for (const flood of ["exec yes hello", "exec yes hello >&2", "exec yes hello >jump"]) {
      const failure = failed(await watch(flood, {}, ["jump", "log"]));
      assert.equal(failure.isTooMuch, true, flood);
      assert.ok(
        failure.output.length <= 512 << 10 && (failure.logTexts[0] ?? "").length <= 256 << 10,
      );
    }
  });

  it("is still watched in the session: a jump's log does not grow without end", async () => {
    const { end } = await watch("echo wireguard-mesh: ready; exec yes hello >jump", {}, [
      "jump",
      "log",
    ]);
    assert.ok(end instanceof RootShell);
    await assert.rejects(end.until("observed", NEVER_MS), { why: "too-much" });
  });

  it("names the missing program", async () => {
    const child = startGroup(["no-such-program"], plainEnvironment());
    const end = await logIn({
      ...{ child, node: "desktop", through: "local", logs: [], connectSeconds: 1 },
      ...{ limitMs: NEVER_MS, longestMs: NEVER_MS },
      onJumped: () => undefined,
      onSlow: () => undefined,
    });
    assert.ok(!(end instanceof RootShell));
    assert.equal(end.output.trim(), "no-such-program: command not found");
  });
});
