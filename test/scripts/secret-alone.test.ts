/** A rotation that was begun by setting a secret alone: the file has that encrypted, and the outputs tell its public half. */
import assert from "node:assert/strict";
import { keygenCommand } from "../../scripts/commands/keygen";
import { readPlan } from "../../scripts/stack/network";
import { findStack } from "../../scripts/stack/project";
import { setIn } from "../../scripts/stack/yaml-edit";
import { keyPair } from "../support/key-pairs";
import { nodeIn } from "../support/plan-of";
import { STACK_FILE } from "./support/network";
import { makeWorkplace, type Workplace } from "./support/workplace";

const NEXT = keyPair(9).publicKey;

describe("a next key that stands in the outputs alone", () => {
  let place: Workplace;
  let publicKey: string;

  beforeEach(() => {
    place = makeWorkplace();
    place.write("Pulumi.test.yaml", STACK_FILE);
    publicKey = nodeIn(readPlan(stack()), "laptop").publicKey;
  });
  afterEach(() => {
    place.remove();
  });

  const stack = () => findStack("test", place.root);
  const told = () => ({ peers: { laptop: { publicKey, nextPublicKey: NEXT } } });
  const nextOf = (outputs: Record<string, unknown>) =>
    nodeIn(readPlan(stack(), outputs), "laptop").nextPublicKey;

  it("is the node's next key", () => {
    assert.equal(nextOf({}), null);
    assert.equal(nextOf(told()), NEXT);
    assert.equal(nodeIn(readPlan(stack(), told()), "laptop").ownKey, "next");
  });

  it("is history when the file has another current key, or says itself what the next one is", () => {
    const edit = (field: string, key: string) => {
      const path = ["config", "wireguard-mesh:peers", "laptop", field];
      place.write("Pulumi.test.yaml", setIn(STACK_FILE, path, key));
    };
    edit("publicKey", keyPair(8).publicKey);
    assert.equal(nextOf(told()), null);
    edit("nextPublicKey", keyPair(8).publicKey);
    assert.equal(nextOf(told()), keyPair(8).publicKey);
  });

  it("keeps keygen from putting a third key in its place, by which the node would be cut off", async () => {
    place.write("bin/outputs", JSON.stringify(told()));
    const before = place.read("Pulumi.test.yaml");
    const { exitCode, stderr } = await place.run([keygenCommand()], "keygen", "laptop");
    assert.equal(exitCode, 1);
    assert.match(
      stderr,
      /the last rotation of laptop has not come to its end\n {2}npx wireguard-mesh rotate laptop/,
    );
    assert.equal(place.read("Pulumi.test.yaml"), before);
  });
});
