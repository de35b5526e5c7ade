/** A push that is killed or orphaned leaves nothing behind and shows no secrets. Needs root. */
import * as assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { poll } from "../../scripts/poll";
import type { PushRequest } from "../../mesh/push-request";
import { Lab } from "../../scripts/lab/lab";
import { leaksIn } from "../support/secret-forms";
import { BUSY_FACTOR } from "../support/time-limits";
import { addKeyText, type SecretForms } from "./support/stack-secrets";
import {
  hop,
  keyPairFor,
  commandLinesWith,
  push,
  PUSH_PROGRAM,
  PUSH_WORLD,
  requestFor,
  processListText,
  startPush,
  fileContents,
} from "./support/pushing";

/** Two seconds on an idle machine; half a second of them is the time between two looks at the parent. */
const END_MS = 500 + BUSY_FACTOR * 1_500;

describe("an interrupted push", function () {
  this.timeout(120_000);
  let lab: Lab;
  let temporary: string;
  before(async () => {
    lab = await Lab.up(PUSH_WORLD, { id: "test-push-lifeline" });
    // Packets to the laptop are dropped silently, so that a push hangs at its login.
    const address = lab.managementAddress("laptop");
    const lost = ["lladdr", "02:00:00:00:00:99", "dev", "mgmt0", "nud", "permanent"];
    const { code } = await lab.exec("operator", ["ip", "neighbour", "replace", address, ...lost]);
    assert.equal(code, 0);
  });
  after(() => lab.down());
  beforeEach(() => {
    temporary = fs.mkdtempSync(path.join(os.tmpdir(), "push-test-"));
  });
  afterEach(() => {
    fs.rmSync(temporary, { recursive: true });
  });

  /** Through a jump, so that there are two ssh processes, and with an SSH key, so that there is an agent. */
  function hangingRequest(): PushRequest {
    const jump = hop(lab, "relay", "203.0.113.10");
    const silent = hop(lab, "laptop", lab.managementAddress("laptop"));
    return requestFor(lab, "laptop", {
      targets: [
        { kind: "ssh", hop: silent, via: [] },
        { kind: "ssh", hop: silent, via: [jump] },
      ],
    });
  }

  /** Starts a push and waits until its agent and ssh run and hang. Its processes have the folder in their command lines. */
  async function hangingPush(wrapper: string[] = []): Promise<ChildProcess> {
    const push = startPush(lab, hangingRequest(), { wrapper, env: { TMPDIR: temporary } });
    const running = await poll(
      () => {
        const lines = commandLinesWith(temporary);
        const all = ["ssh-agent", "sh -c", "ssh -o"].every((start) =>
          lines.some((line) => line.includes(` ${start}`)),
        );
        return all ? lines : undefined;
      },
      { limitMs: 20_000, pauseMs: 10 },
    );
    assert.ok(running !== undefined, `never seen: ${commandLinesWith(temporary).join("\n")}`);
    return push;
  }

  /** Asserts that no process and no file is left within the limit. */
  async function assertNothingLeft(limitMs: number): Promise<void> {
    const left = (): string[] => [...commandLinesWith(temporary), ...fs.readdirSync(temporary)];
    await poll(() => (left().length === 0 ? true : undefined), { limitMs, pauseMs: 10 });
    assert.deepEqual(left(), []);
  }

  it("leaves no agent, no ssh and no file when it is killed", async () => {
    const push = await hangingPush();
    push.kill("SIGKILL");
    await once(push, "exit");
    await assertNothingLeft(2_000);
  });

  it("leaves nothing when it gets SIGTERM, and reports it", async () => {
    const push = await hangingPush();
    let log = "";
    push.stderr?.setEncoding("utf8").on("data", (text: string) => (log += text));
    push.kill("SIGTERM");
    const [code] = (await once(push, "close")) as [number];
    assert.equal(code, 1);
    assert.match(log, /^laptop: interrupted by SIGTERM/);
    await assertNothingLeft(2_000);
  });

  it("leaves nothing when it ends by itself", async () => {
    const finished = await push(lab, "apply", requestFor(lab, "relay"), { TMPDIR: temporary });
    assert.equal(finished.code, 0, finished.stderr);
    // The agent has got its signal, and may still be ending.
    await assertNothingLeft(2_000);
  });

  it("shows no secret in a file, a command line or an environment", async () => {
    const request = hangingRequest();
    const push = await hangingPush();
    const seen = `${fileContents(temporary)}\n${processListText()}`;
    push.kill("SIGKILL");
    await once(push, "exit");
    assert.ok(seen.includes("-0.known_hosts"), "the folder of the push was not searched");
    assert.deepEqual(leaksIn(seen, [keyPairFor("laptop").privateKey]), []);
    const sshKey: SecretForms = new Map();
    addKeyText(sshKey, "SSH private key", request.sshPrivateKey ?? "");
    assert.ok(sshKey.size > 0);
    assert.deepEqual(
      [...sshKey.keys()].filter((form) => seen.includes(form)),
      [],
    );
    await assertNothingLeft(2_000);
  });

  describe("when its engine ends", () => {
    /** Scripts with the process names of the engine and the plugin. */
    function chain(): string[] {
      const program = (name: string, text: string): string => {
        const file = path.join(temporary, name);
        fs.writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
        return file;
      };
      // Each waits for its child, like the engine and the plugin, and passes stdin to it.
      const engine = program("pulumi", 'exec 3<&0; "$@" <&3 & echo $! >"$0.child"; wait');
      const plugin = program(
        "pulumi-resource-command",
        'exec 3<&0; "$@" <&3 & echo $! >"$0.child"; wait',
      );
      return [engine, plugin];
    }

    const childOf = (name: string): number =>
      Number(fs.readFileSync(path.join(temporary, `${name}.child`), "utf8"));

    function assertEnded(pid: number): void {
      assert.equal(fs.existsSync(`/proc/${pid}/exe`), false);
    }

    it("ends within two seconds when the engine is killed but the plugin is not", async () => {
      const engine = await hangingPush(chain());
      const plugin = childOf("pulumi");
      const program = childOf("pulumi-resource-command");
      engine.kill("SIGKILL");
      await once(engine, "exit");
      assert.ok(fs.existsSync(`/proc/${plugin}`), "the plugin has ended too");
      const ended = (): true | undefined =>
        commandLinesWith(PUSH_PROGRAM).some((line) => line.startsWith(`${program} `))
          ? undefined
          : true;
      assert.equal(await poll(ended, { limitMs: END_MS, pauseMs: 10 }), true);
      assertEnded(program);
    });

    it("ends within two seconds when the plugin is killed", async () => {
      await hangingPush(chain());
      const program = childOf("pulumi-resource-command");
      process.kill(childOf("pulumi"), "SIGKILL");
      await poll(() => (fs.existsSync(`/proc/${program}/exe`) ? undefined : true), {
        limitMs: END_MS,
        pauseMs: 10,
      });
      assertEnded(program);
    });

    it("does nothing when the engine has ended before it starts", async () => {
      const [, plugin = ""] = chain();
      const before = lab.logins("relay");
      // The plugin's parent is not an engine, so it is an orphan.
      const input = JSON.stringify(requestFor(lab, "relay"));
      const argv = [plugin, process.execPath, PUSH_PROGRAM, "apply"];
      const script = 'exec 3<&0; "$@" <&3 2>&1 | cat';
      const finished = await lab.exec("operator", ["sh", "-c", script, "sh", ...argv], { input });
      assert.match(
        finished.stdout,
        /^relay: the engine that started this push has ended, so nothing was sent/,
      );
      assert.equal(lab.logins("relay"), before);
    });
  });
});
