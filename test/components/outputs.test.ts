/** The outputs about rotations in progress and configs that have to be delivered. */
import assert from "node:assert/strict";
import { fingerprintOf } from "../../mesh/render/delivery";
import { resolved, runMockedProgram, type Stack } from "../support/engine-mock";
import { keyPair } from "../support/key-pairs";
import { goodStack, secretsOfStack } from "../support/stacks";

interface Outputs {
  peers: Record<string, Record<string, unknown>>;
  pending: Record<string, unknown>;
  outdated: Record<string, string[]>;
  graph: string;
  configs: Record<string, string>;
}

describe("the outputs", function () {
  // Loading the SDK takes seconds.
  this.timeout(60_000);

  it("list a node with a rotation in progress, even if only its private key was changed", async () => {
    const { pending, peers } = await outputsOf(withSecret("desktop", keyPair(9).privateKey));
    const next = keyPair(9).publicKey;
    assert.deepEqual(pending, {
      desktop: {
        publicKey: keyPair(2).publicKey,
        nextPublicKey: next,
        has: "next",
        finish: "npx wireguard-mesh rotate desktop",
      },
    });
    assert.equal(peers["desktop"]?.["nextPublicKey"], next);
  });

  it("have no pending nodes without a rotation", async () => {
    assert.deepEqual((await outputsOf(goodStack())).pending, {});
  });

  it("have a picture of the network without secrets", async () => {
    const { graph } = await outputsOf(goodStack());
    assert.match(graph, /^flowchart RL\n {2}n_osaka\[\["<b>osaka<\/b>/m);
    assert.match(graph, /^ {2}n_nas --> n_osaka$/m);
    for (const secret of secretsOfStack) assert.ok(!graph.includes(secret));
  });

  it("list a node whose config was never delivered, or has other secrets now", async () => {
    const { configs, peers, outdated } = await outputsOf(goodStack());
    assert.deepEqual(outdated, { phone: ["it was not given its config yet"] });
    const file = configs["phone"] ?? "";
    assert.equal(peers["phone"]?.["fingerprint"], fingerprintOf(file));
    const config = fingerprintOf(file.replace(/^(\w+Key) = .*$/gm, hidden));
    const given = async (text: string) => {
      const delivered = { phone: { config, knows: {}, file: fingerprintOf(text) } };
      return (await outputsOf(withConfig({ delivered: JSON.stringify(delivered) }))).outdated;
    };
    assert.deepEqual(await given(file), {});
    const other = file.replace(/^PresharedKey = .*$/m, "PresharedKey = another");
    assert.deepEqual(await given(other), { phone: ["its own key or preshared keys have changed"] });
  });
});

async function outputsOf(stack: Stack): Promise<Outputs> {
  const { outputs } = await runMockedProgram(stack);
  const { peers, pending, outdated, graph, configs } = outputs;
  return (await resolved({ peers, pending, outdated, graph, configs })).value as Outputs;
}

function hidden(line: string, key: string): string {
  return key === "PublicKey" ? line : `${key} = (hidden)`;
}

function withConfig(more: Record<string, string>): Stack {
  const stack = goodStack();
  return { ...stack, config: { ...stack.config, ...more } };
}

function withSecret(node: string, key: string): Stack {
  const keys = JSON.parse(goodStack().config["privateKeys"] ?? "") as Record<string, string>;
  return withConfig({ privateKeys: JSON.stringify({ ...keys, [node]: key }) });
}
