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
