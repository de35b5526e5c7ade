import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { previewCommand } from "../../scripts/commands/preview";
import { upCommand } from "../../scripts/commands/up";
import { removeTruncatedAttributes } from "../../scripts/stack/truncated-attributes";
import { HOST_KEY, STACK_FILE } from "./support/network";
import { projectOfEachTest, type Outcome } from "./support/test-project";

const event = (name: string) => readFileSync(join(__dirname, `fixtures/${name}.jsonl`), "utf8");

const LOCK = ".pulumi/locks/organization/wireguard-mesh/test/id.json";

describe("up and preview", () => {
  const project = projectOfEachTest({
    // No host to ask afterwards: the phone and the laptop have none, and the relay fails.
    "Pulumi.test.yaml": STACK_FILE.replace("      host: local\n", ""),
  });

  const outputsWith = (fingerprint: string): string =>
    JSON.stringify({ peers: { phone: { fingerprint } } });

  const run = (...args: string[]): Promise<Outcome> =>
    project.run([upCommand(), previewCommand()], ...args);

  /** Without the event log, which the command adds. */
  const argvOf = (verb: string): string[] => {
    const { argv = [] } = project.engineCalls().find((call) => call.argv[0] === verb) ?? {};
    const at = argv.indexOf("--event-log");
    return [...argv.slice(0, at), ...argv.slice(at + 2)];
  };

  it("continues when one host fails, and passes on the user's flags", async () => {
    await run("up", "--yes", "--skip-preview", "--json", "--", "--refresh", "--parallel=4");
    assert.deepEqual(argvOf("up"), [
      ...["up", "--continue-on-error", "--yes", "--skip-preview", "--refresh", "--parallel=4"],
      ...["--stack", "test", "--non-interactive"],
    ]);
  });

  it("stops at the first failure while a replaced instance is still there, which would be deleted otherwise", async () => {
    const ec2 = `ec2: { adminCidrs: [203.0.113.7/32], authorizedKeys: ["${HOST_KEY}"] }`;
    const onEc2 = STACK_FILE.replace(/host: root@.*\n +hostKey: .*/, ec2)
      .replace("      host: local\n", "")
      .concat("  wireguard-mesh:sshAuthoritySeed:\n    secure: v1:seed\n");
    project.write("Pulumi.test.yaml", onEc2);
    const type = "aws:ec2/instance:Instance";
    const instance = { urn: `urn:pulumi:test::wireguard-mesh::${type}::tokyo`, type };
    const flags = ["--yes", "--skip-preview", "--json"];
    project.write("bin/exit", "1");
    for (const [state, expected] of [
      [[instance], ["up", "--continue-on-error", "--yes"]],
      [
        [instance, { ...instance, delete: true }],
        ["up", "--yes", "--skip-preview"],
      ],
    ] as const) {
      project.write("bin/state", JSON.stringify({ deployment: { resources: state } }));
      project.write("bin/calls", "");
      await run("up", ...flags);
      assert.deepEqual(argvOf("up").slice(0, 3), expected);
    }
  });

  it("shows a preview line by line", async () => {
    project.write("bin/preview-events", event("preview-of-changes"));
    const { exitCode, stdout } = await run("preview", "--json");
    assert.deepEqual(argvOf("preview"), [
      ...["preview", "--diff", "--show-full-output", "--stack", "test", "--non-interactive"],
    ]);
    assert.equal(exitCode, 0);
    const { ok, changes } = JSON.parse(stdout) as { ok: boolean; changes: object[] };
    assert.equal(ok, true);
    assert.deepEqual(changes[0], { node: "tokyo", change: "update" });
  });

  it("reports the host that failed, the nodes that were skipped, and the devices that need a new config", async () => {
    project.write("Pulumi.test.yaml", STACK_FILE);
    project.write("bin/events", event("up-with-a-dead-relay"));
    project.write("bin/exit", "1");
    project.write("bin/outputs", outputsWith("0123456789abcdef"));
    project.write("bin/outputs-after", outputsWith("123456789abcdef0"));
    const { exitCode, stdout } = await run("up", "--yes", "--json");
    assert.equal(exitCode, 1);
    const { failed, ...report } = JSON.parse(stdout) as { failed: { node: string }[] };
    assert.deepEqual(
      failed.map(({ node }) => node),
      ["tokyo"],
    );
    assert.deepEqual(report, {
      ok: false,
      exitCode: 1,
      updated: true,
      pushed: [],
      removed: [],
      waiting: ["laptop"],
      handOver: [{ node: "phone", custody: "config" }],
      links: [],
      planned: 2,
      checked: [],
      pending: [],
      outdated: [{ node: "phone", why: ["it was not given its config yet"] }],
    });
    const text = (await run("up", "--yes")).stdout;
    assert.match(text, /^When that is fixed: npx wireguard-mesh up /m);
    assert.doesNotMatch(text, /^Done/m);
    assert.match(text, /^failed: tokyo: cannot be reached, so nothing was sent to it\.$/m);
    assert.match(text, /^skipped: laptop\n {2}A relay that they need failed; /m);
    assert.match(text, /^ {2}npx wireguard-mesh qr phone /m);
  });

  it("does not report a config that stayed the same", async () => {
    project.write("bin/events", event("up-with-a-dead-host"));
    project.write("bin/outputs", outputsWith("0123456789abcdef"));
    const { stdout } = await run("up", "--yes", "--json");
    assert.deepEqual((JSON.parse(stdout) as { handOver: object[] }).handOver, []);
  });

  it("does not ask the engine for the configs, which are secret", async () => {
    project.write("bin/events", event("up-with-a-dead-host"));
    project.write("bin/configs", JSON.stringify({ phone: "PrivateKey = secret" }));
    await run("up", "--yes");
    const asked = project.engineCalls().filter(({ argv }) => argv.includes("output"));
    assert.notEqual(asked.length, 0);
    assert.ok(asked.every(({ argv }) => !argv.includes("--show-secrets")));
  });

  const push = (node: string) =>
    `urn:pulumi:test::wireguard-mesh::wireguard-mesh:index:HostPush$command:local:Command::${node}-push-command`;
  const unfinished = (...urns: string[]): string => {
    const list = urns.map((urn) => `  * ${urn}, interrupted while creating\n`).join("");
    const message = `Attempting to deploy or update resources with ${urns.length} pending operations from previous deployment.\n${list}These resources are in an unknown state.`;
    return `${JSON.stringify({ diagnosticEvent: { severity: "warning", message } })}\n`;
  };
  const refreshes = (): string[][] =>
    project
      .engineCalls()
      .map(({ argv }) => argv)
      .filter(([verb]) => verb === "refresh");

  it("F20: removes the unfinished creates of an interrupted run after it has pushed to those hosts", async () => {
    project.write(
      "bin/events",
      unfinished(push("tokyo"), push("laptop")) + event("up-with-a-dead-host"),
    );
    await run("up", "--yes", "--json");
    assert.deepEqual(refreshes(), [
      [
        ...["refresh", "--yes", "--skip-preview", "--clear-pending-creates"],
        ...["--target", push("tokyo"), "--target", push("laptop"), "--stack", "test"],
        ...["--non-interactive", "--color", "never"],
      ],
    ]);
  });

  it("F20: keeps them in the state when one of them is not a push, or the run failed", async () => {
    const instance = "urn:pulumi:test::wireguard-mesh::aws:ec2/instance:Instance::tokyo";
    const log = event("up-with-a-dead-host");
    project.write("bin/events", unfinished(push("tokyo"), instance) + log);
    await run("up", "--yes", "--json");
    project.write("bin/events", unfinished(push("tokyo")) + log);
    project.write("bin/exit", "1");
    await run("up", "--yes", "--json");
    assert.deepEqual(refreshes(), []);
  });

  /** A process with the engine's name. */
  const startEngineLike = (): ChildProcess => {
    const program = join(project.root, "pulumi");
    symlinkSync("/bin/sleep", program);
    return spawn(program, ["60"], { stdio: "ignore" });
  };

  const lockedBy = (pid: number, host = hostname()): void => {
    mkdirSync(join(project.root, "bin/.pulumi/locks/organization/wireguard-mesh/test"), {
      recursive: true,
    });
    const lock = { pid, username: "root", hostname: host, timestamp: "2026-01-02T03:04:05Z" };
    project.write(`bin/${LOCK}`, JSON.stringify(lock));
  };
  const runs = (): number => project.engineCalls().filter(({ argv }) => argv[0] === "up").length;

  for (const [what, pid] of [
    ["has ended", spawnSync("true").pid],
    ["is another program now", process.pid],
  ] as const) {
    it(`F20: removes the lock of a killed run on this machine whose process ${what}, and continues`, async () => {
      project.write("bin/events", event("up-with-a-dead-host"));
      lockedBy(pid);
      const { stderr, stdout } = await run("up", "--yes", "--json");
      assert.match(stderr, new RegExp(`which a killed run had left: process ${pid} of root on `));
      assert.equal(existsSync(join(project.root, `bin/${LOCK}`)), false);
      assert.equal(runs(), 2);
      assert.equal((JSON.parse(stdout) as { exitCode: number }).exitCode, 0);
    });
  }

  for (const [whose, elsewhere, host] of [
    ["a running process", null, hostname()],
    ["another machine", 2 ** 22 + 1, "elsewhere"],
  ] as const) {
    it(`F21: keeps the lock of ${whose}, and reports its process and the remedy`, async () => {
      const engine = startEngineLike();
      const pid = elsewhere ?? engine.pid ?? 0;
      lockedBy(pid, host);
      const { stdout, stderr, exitCode } = await run("up", "--yes", "--json");
      assert.equal(exitCode, 1);
      const { failed } = JSON.parse(stdout) as { failed: { node: null; reason: string }[] };
      const words = `another run holds the stack's lock: process ${pid} of root on ${host}, since 2026-01-02T03:04:05Z. Wait until it has ended, then run this again. If it was killed: npx pulumi cancel --stack test`;
      assert.deepEqual(failed, [{ node: null, reason: words }]);
      assert.ok(stderr.includes(words), stderr);
      engine.kill();
      assert.equal(existsSync(join(project.root, `bin/${LOCK}`)), true);
      assert.equal(runs(), 1);
    });
  }

  for (const [what, ...args] of [
    ["up", "--yes", "--json"],
    ["preview", "--json"],
  ] as const) {
    it(`F20: removes attributes of the state that a killed run had cut short, and continues: ${what}`, async () => {
      const folder = "bin/.pulumi/stacks/wireguard-mesh";
      mkdirSync(join(project.root, folder), { recursive: true });
      project.write(`${folder}/test.json.attrs`, "");
      project.write(`${folder}/other.json.attrs`, '{"md5":""}');
      const { exitCode, stderr } = await run(what, ...args);
      assert.equal(exitCode, 0, stderr);
      assert.match(stderr, /removed a file that a killed run had cut short: .*test\.json\.attrs/);
      assert.deepEqual(readdirSync(join(project.root, folder)), ["other.json.attrs"]);
    });
  }

  it("finds no such attributes in a backend that has no state yet", () => {
    assert.equal(removeTruncatedAttributes(join(project.root, "nothing")), false);
  });

  it("exits with 1 without a check when there was no update, and says so if the engine gave no reason", async () => {
    project.write("bin/exit", "255");
    const { exitCode, stdout } = await run("up", "--json");
    assert.equal(exitCode, 1);
    const reason = "pulumi ended with code 255 and no error message; it may have been killed";
    assert.deepEqual(JSON.parse(stdout), {
      ok: false,
      exitCode: 255,
      updated: false,
      failed: [{ node: null, reason }],
      pushed: [],
      removed: [],
      waiting: [],
      handOver: [],
      links: [],
      planned: 0,
      checked: [],
      pending: [],
      outdated: [],
    });
  });
});
