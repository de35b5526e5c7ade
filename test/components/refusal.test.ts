/** With an invalid config, the program registers nothing and throws one error with all mistakes. */
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { runMockedProgram, type Registration, type Stack } from "../support/engine-mock";
import { keyPair } from "../support/key-pairs";
import { leaksIn } from "../support/secret-forms";
import { goodStack, secretsOfStack } from "../support/stacks";

describe("the program with an invalid config", () => {
  it("lists all mistakes in one error", async () => {
    const message = await refusal({
      ...goodStack(),
      config: {
        ...goodStack().config,
        peer: "{}",
        network: '{"listenPort": 70000}',
        expect: '"x"',
      },
    });
    assert.equal(
      message,
      `the config has 3 mistakes; nothing was changed
  peer: is not a known key
      did you mean peers?
  network.listenPort: 70000 is not a port
      use a whole number from 1 to 65535
  expect: is not a list
      write a list: [ { from: laptop, to: desktop, reach: true } ]`,
    );
  });

  it("includes mistakes that need the plan", async () => {
    const stack = goodStack();
    const config = { ...stack.config, expect: '[{"from": "laptop", "to": "nas", "reach": false}]' };
    assert.equal(
      await refusal({ ...stack, config }),
      `the config has one mistake; nothing was changed
  expect[0]: laptop should not reach nas, but the path is laptop -> tokyo -> osaka -> nas
      change the network, or the expectation`,
    );
  });

  it("counts a single mistake as one", async () => {
    const message = await refusal({ ...goodStack(), config: {}, secrets: [] });
    assert.equal(
      message,
      `the config has one mistake; nothing was changed
  peers: is missing: a network needs peers
      add one: npx wireguard-mesh add-peer NAME`,
    );
  });

  for (const name of goodStack().secrets) {
    it(`rejects ${name} if it is not encrypted`, async () => {
      const stack = goodStack();
      const message = await refusal({
        ...stack,
        secrets: stack.secrets.filter((key) => key !== name),
      });
      assert.match(message, new RegExp(`^  ${name}[^:]*: is not encrypted in the stack file`, "m"));
    });
  }

  it("rejects encrypted facts, which a review must show", async () => {
    const stack = goodStack();
    const message = await refusal({ ...stack, secrets: [...stack.secrets, "peers"] });
    assert.match(message, /^ {2}peers: is encrypted, in whole or in part/m);
  });

  it("rejects an encrypted text as privateKeys", async () => {
    const stack = goodStack();
    const config = { ...stack.config, privateKeys: keyPair(2).privateKey };
    assert.match(
      await refusal({ ...stack, config }),
      /^ {2}privateKeys: is not a map of names and keys$/m,
    );
  });

  it("rejects a private key of another node", async () => {
    const stack = goodStack();
    const keys = JSON.parse(stack.config["privateKeys"] ?? "") as Record<string, string>;
    const config = {
      ...stack.config,
      privateKeys: JSON.stringify({ ...keys, nas: keys["tokyo"] }),
    };
    assert.match(
      await refusal({ ...stack, config }),
      /^ {2}relays\.tokyo\.publicKey: is also the next key of peers\.nas/m,
    );
  });
});

/** The error message. Fails if the program does not throw a RunError, registers something, or the message has a secret. */
async function refusal(stack: Stack): Promise<string> {
  const registered: Registration[] = [];
  const error = await runMockedProgram(stack, registered).then(
    () => assert.fail("the program ran"),
    (problem: unknown) => problem,
  );
  assert.deepEqual(registered, []);
  assert.ok(pulumi.RunError.isInstance(error), String(error));
  assert.deepEqual(leaksIn(error.message, secretsOfStack), []);
  return error.message;
}
