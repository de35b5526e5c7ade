/** A rotation that was begun by setting a private key alone: the file has it encrypted, and the outputs have its public half. */
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
import { makeWorkplace, type Workplace } from "./support/workplace";

const NEXT = keyPair(9).publicKey;

describe("a next key that only the outputs have", () => {
  let place: Workplace;
  let publicKey: string;

  beforeEach(() => {
    place = makeWorkplace();
    place.write("Pulumi.test.yaml", STACK_FILE);
    publicKey = nodeIn(stack().filePlan(), "laptop").publicKey;
  });
  afterEach(() => {
    place.remove();
  });

  const stack = () => new OpenStack(findStack("test", place.root));
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

  it("does not count when the file has another current key, or a next key of its own", () => {
    const edit = (field: string, key: string) => {
      const path = ["config", "wireguard-mesh:peers", "laptop", field];
      place.write("Pulumi.test.yaml", setIn(STACK_FILE, path, key));
    };
    edit("publicKey", keyPair(8).publicKey);
    assert.equal(laptopWith(lastOutputs()).nextPublicKey, null);
    edit("nextPublicKey", keyPair(8).publicKey);
    assert.equal(laptopWith(lastOutputs()).nextPublicKey, keyPair(8).publicKey);
  });

  it("makes keygen refuse: a third key would cut the node off", async () => {
    place.write("bin/outputs", JSON.stringify(lastOutputs()));
    const before = place.read("Pulumi.test.yaml");
    const { exitCode, stderr } = await place.run([keygenCommand()], "keygen", "laptop");
    assert.equal(exitCode, 1);
    assert.match(
      stderr,
      /the last rotation of laptop is not finished\n {2}npx wireguard-mesh rotate laptop/,
    );
    assert.equal(place.read("Pulumi.test.yaml"), before);
  });
});
