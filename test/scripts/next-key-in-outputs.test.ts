/** A rotation that was started by setting only a private key: the file has it encrypted, and the outputs have its public half. */
import assert from "node:assert/strict";
import { readMesh } from "../../mesh/mesh";
import { keygenCommand } from "../../scripts/commands/keygen";
import { OpenStack } from "../../scripts/stack/open-stack";
import { withNextKeys, type Outputs } from "../../scripts/stack/outputs";
import { findStack } from "../../scripts/stack/project";
import { setIn } from "../../scripts/stack/yaml-edit";
import { keyPair } from "../support/key-pairs";
import { nodeIn } from "../support/plan-of";
import { STACK_FILE } from "./support/network";
import { projectOfEachTest } from "./support/test-project";

const NEXT = keyPair(9).publicKey;

describe("a next key that only the outputs have", () => {
  const project = projectOfEachTest({ "Pulumi.test.yaml": STACK_FILE });
  let publicKey: string;

  beforeEach(() => {
    publicKey = nodeIn(stack().filePlan(), "laptop").publicKey;
  });

  const stack = () => new OpenStack(findStack("test", project.root));
  const lastOutputs = () => ({ peers: { laptop: { publicKey, nextPublicKey: NEXT } } });
  const laptopWith = (outputs: Outputs) => {
    const { config } = stack();
    const { plan } = readMesh(withNextKeys(config, outputs), Date.now());
    if (plan === null) throw new Error("the config has mistakes");
    return nodeIn(plan, "laptop");
  };

  it("is the node's next key", () => {
    assert.equal(laptopWith({}).nextPublicKey, null);
    assert.equal(laptopWith(lastOutputs()).nextPublicKey, NEXT);
    assert.equal(laptopWith(lastOutputs()).ownKey, "next");
  });

  it("is ignored if the file has another current key, or a next key", () => {
    const edit = (field: string, key: string) => {
      const path = ["config", "wireguard-mesh:peers", "laptop", field];
      project.write("Pulumi.test.yaml", setIn(STACK_FILE, path, key));
    };
    edit("publicKey", keyPair(8).publicKey);
    assert.equal(laptopWith(lastOutputs()).nextPublicKey, null);
    edit("nextPublicKey", keyPair(8).publicKey);
    assert.equal(laptopWith(lastOutputs()).nextPublicKey, keyPair(8).publicKey);
  });

  it("makes keygen refuse: a third key would cut the node off", async () => {
    project.write("bin/outputs", JSON.stringify(lastOutputs()));
    const before = project.read("Pulumi.test.yaml");
    const { exitCode, stderr } = await project.run([keygenCommand()], "keygen", "laptop");
    assert.equal(exitCode, 1);
    assert.match(
      stderr,
      /the last rotation of laptop is not finished\n {2}npx wireguard-mesh rotate laptop/,
    );
    assert.equal(project.read("Pulumi.test.yaml"), before);
  });
});
