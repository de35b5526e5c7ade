/** `rotate` without a host that can be reached. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { rotateCommand } from "../../scripts/commands/rotate";
import { keyOf, planWithKeys, STACK_FILE, WITHOUT_HOSTS } from "./support/network";
import { previewEvents } from "./support/preview-events";
import { projectOfEachTest, type TestProject } from "./support/test-project";

const FILE = "Pulumi.test.yaml";

describe("rotate", () => {
  const project = projectOfEachTest({ [FILE]: STACK_FILE });
  const rotate = (...args: string[]) => project.run([rotateCommand()], "rotate", ...args, "--yes");
  const ups = () => project.engineCalls().filter(({ argv }) => argv[0] === "up").length;

  it("--finish continues when it was interrupted between the edit of the file and the engine's run", async () => {
    const next = keyOf("next");
    project.write(
      FILE,
      STACK_FILE.replace("host: local", `host: local\n      nextPublicKey: ${next}`),
    );
    for (const run of [1, 2]) {
      const { exitCode, stderr } = await rotate("laptop", "--finish");
      assert.equal(exitCode, 0, stderr);
      assert.equal(ups(), run);
      assert.ok(project.read(FILE).includes(`publicKey: ${next}`));
      assert.ok(!project.read(FILE).includes("nextPublicKey"));
    }
  });

  it("leaves the file as it was when the engine updates nothing, as after answering no", async () => {
    project.write("bin/exit", "255");
    for (const args of [["laptop"], ["--all"], ["laptop", "--revoke"]]) {
      const { exitCode, stdout, stderr } = await rotate(...args);
      assert.equal(exitCode, 1);
      assert.match(stdout, /: nothing was changed/);
      assert.match(stderr, /so \S+Pulumi\.test\.yaml is as it was/);
      assert.equal(project.read(FILE), STACK_FILE);
    }
  });

  it("keeps the new key in the file when the engine is killed during the update: hosts may have it", async () => {
    const urn = "urn:pulumi:test::wireguard-mesh::command:local:Command::tokyo-push-command";
    const metadata = { op: "update", urn, type: "command:local:Command" };
    project.write("bin/events", `${JSON.stringify({ resourcePreEvent: { metadata } })}\n`);
    project.write("bin/exit", "137");
    const { exitCode, stdout, stderr } = await rotate("laptop", "--revoke");
    assert.equal(exitCode, 1);
    assert.match(stdout, /^laptop: not everything succeeded\..* npx wireguard-mesh up /m);
    assert.doesNotMatch(stderr, /is as it was/);
    assert.ok(!project.read(FILE).includes(keyOf("laptop")));
  });

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    it(`leaves the file as it was when ${signal} ends it at its question`, async () => {
      const peers = { laptop: { address: "10.86.0.2", publicKey: keyOf("laptop") } };
      project.write("bin/preview-events", previewEvents(null, planWithKeys({ peers })));
      const { child, output } = rotateAtTerminal(project, "laptop");
      const closed = once(child, "close");
      await output(/Make these changes/);
      assert.ok(project.read(FILE).includes("nextPublicKey"));
      child.kill(signal);
      assert.deepEqual(await closed, [1, null]);
      assert.match(await output(/is as it was/), /nothing was updated, so \S+ is as it was/);
      assert.equal(project.read(FILE), STACK_FILE);
      assert.equal(ups(), 0);
    });
  }

  it("--all continues with the nodes that an interrupted run has not rotated", async () => {
    project.write(
      FILE,
      STACK_FILE.replace("config:\n", "config:\n  wireguard-mesh:rotateAll: [laptop, gone]\n"),
    );
    project.write("bin/exit", "255");
    const { stdout, stderr } = await rotate("--all");
    assert.match(stderr, /left to do: laptop /);
    assert.match(stdout, /^laptop: nothing was changed$/m);
    assert.doesNotMatch(stdout, /tokyo/);
  });

  it("--cancel explains that there is no rotation to cancel", async () => {
    const { exitCode, stderr } = await rotate("laptop", "--cancel");
    assert.equal(exitCode, 1);
    assert.match(stderr, /laptop has only one key/);
    assert.equal(ups(), 0);
  });

  it("says which key remains: after --cancel the former one", async () => {
    const next = keyOf("next");
    const tablet = `{ address: 10.86.0.9, publicKey: ${keyOf("tablet")}, nextPublicKey: ${next} }`;
    project.write(FILE, WITHOUT_HOSTS.replace("peers:\n", `peers:\n    tablet: ${tablet}\n`));
    const { exitCode, stdout, stderr } = await rotate("tablet", "--cancel");
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /^tablet: only the former key is left$/m);
    assert.ok(!project.read(FILE).includes(next));
    assert.match(
      (await rotate("tablet", "--finish")).stdout,
      /^tablet: only the new key is left$/m,
    );
  });

  it("refuses a public key for a node that is pushed to: its private key could not be pushed", async () => {
    const { exitCode, stderr } = await rotate("laptop", "--public-key", keyOf("next"));
    assert.equal(exitCode, 2);
    assert.match(stderr, /laptop is pushed to, .*\n {2}.*npx wireguard-mesh keygen laptop/);
    assert.equal(project.read(FILE), STACK_FILE);
    assert.equal(ups(), 0);
  });

  it("explains what is wrong with a public key", async () => {
    const { exitCode, stderr } = await rotate("phone", "--public-key", "garbage");
    assert.equal(exitCode, 2);
    assert.match(stderr, /--public-key is not a WireGuard key/);
  });
});

/** Another process, whose stdin is said to be a terminal. `output` waits until its stderr matches. */
function rotateAtTerminal({ root }: TestProject, name: string) {
  const repository = join(__dirname, "../..");
  const code = `process.stdin.isTTY = true;
    const { runProgram } = require(${JSON.stringify(join(repository, "scripts/cli/program"))});
    const { rotateCommand } = require(${JSON.stringify(join(repository, "scripts/commands/rotate"))});
    void runProgram([rotateCommand()], ["rotate", ${JSON.stringify(name)}]).then((code) => process.exit(code));`;
  const loader = join(repository, "scripts/load-typescript.cjs");
  const child = spawn(process.execPath, ["--require", loader, "-e", code], {
    cwd: root,
    env: {
      ...process.env,
      PATH: `${join(root, "bin")}:${process.env["PATH"] ?? ""}`,
      PULUMI_STACK: "test",
      PULUMI_HOME: root,
    },
  });
  let text = "";
  const output = async (wanted: RegExp): Promise<string> => {
    while (!wanted.test(text)) await once(child.stderr, "data");
    return text;
  };
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return { child, output };
}
