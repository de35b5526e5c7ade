/** `rotate` without a host that can be reached. */
import assert from "node:assert/strict";
import { rotateCommand } from "../../scripts/commands/rotate";
import { keyOf, STACK_FILE } from "./support/network";
import { makeTestProject, type TestProject } from "./support/test-project";

const FILE = "Pulumi.test.yaml";

describe("rotate", () => {
  let project: TestProject;
  beforeEach(() => {
    project = makeTestProject();
    project.write(FILE, STACK_FILE);
  });
  afterEach(() => {
    project.remove();
  });
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

  it("--all goes on with the nodes that an interrupted run has left", async () => {
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

  it("--cancel explains that there is nothing to give up", async () => {
    const { exitCode, stderr } = await rotate("laptop", "--cancel");
    assert.equal(exitCode, 1);
    assert.match(stderr, /laptop has only one key/);
    assert.equal(ups(), 0);
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
