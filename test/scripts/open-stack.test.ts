import assert from "node:assert/strict";
import { newCommand } from "../../scripts/cli/command";
import { OpenStack, openStack } from "../../scripts/stack/open-stack";
import { findStack } from "../../scripts/stack/project";
import { configPath } from "../../scripts/stack/stack-file";
import { setIn } from "../../scripts/stack/yaml-edit";
import { STACK_FILE } from "./support/network";
import { remedyFor } from "../../scripts/stack/engine";
import { projectOfEachTest, type Outcome } from "./support/test-project";

const FILE = "Pulumi.test.yaml";
const setMtu = (mtu: number) => (text: string) => ({
  text: setIn(text, configPath(["network", "mtu"]), mtu),
});

describe("an open stack", () => {
  const project = projectOfEachTest({ [FILE]: STACK_FILE });

  const open = () => new OpenStack(findStack("test", project.root));
  /** Runs `work` as a command, with the fake engine on PATH. */
  const inCommand = (work: (stack: OpenStack) => Promise<void>): Promise<Outcome> => {
    const command = newCommand("test", { description: "Test.", examples: [] });
    return project.run([command.action(() => work(openStack("test")))], "test");
  };

  it("reads its file once, until it is reopened", () => {
    const stack = open();
    assert.equal(stack.filePlan().nodes.length, 3);
    project.write(FILE, STACK_FILE.replace("enabled: true", "enabled: false"));
    assert.equal(stack.filePlan().nodes.length, 3);
    stack.reopen();
    assert.equal(stack.filePlan().nodes.length, 2);
  });

  it("edits the current file, so that a concurrent edit is not lost", async () => {
    const stack = open();
    assert.equal(stack.text, STACK_FILE);
    project.write(FILE, `# edited meanwhile\n${STACK_FILE}`);
    await stack.edit(setMtu(1380));
    assert.match(project.read(FILE), /^# edited meanwhile\n/);
    assert.equal(stack.text, project.read(FILE));
    assert.equal(stack.mesh.plan?.network.mtu, 1380);
  });

  it("writes nothing for an edit that adds a mistake", async () => {
    const stack = open();
    await assert.rejects(stack.edit(setMtu(7)), /the edit would add mistakes/);
    assert.throws(() => {
      stack.review(setMtu(7));
    }, /the edit would add mistakes/);
    assert.equal(project.read(FILE), STACK_FILE);
  });

  it("reads the outputs from the engine once, until it is reopened", async () => {
    await inCommand(async (stack) => {
      await Promise.all([stack.outputs(), stack.plan(), stack.outputsOrNone()]);
      await stack.edit(setMtu(1380));
      await stack.plan();
      assert.equal(project.engineCalls().length, 1);
      stack.reopen();
      await stack.plan();
      assert.equal(project.engineCalls().length, 2);
    });
  });

  it("gets outputs and configs with one call", async () => {
    project.write("bin/outputs", '{"relays":{}}');
    project.write("bin/configs", '{"phone":"[Interface]"}');
    await inCommand(async (stack) => {
      assert.equal((await stack.configs()).get("phone")?.reveal(), "[Interface]");
      assert.deepEqual(await stack.outputs(), { relays: {} });
      assert.equal(project.engineCalls().length, 1);
    });
  });

  it("says how to log in where the engine has no backend, and how to give the passphrase", () => {
    const remedyOf = (stderr: string) => remedyFor({ stderr });
    const login =
      "error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions";
    assert.match(remedyOf(login) ?? "", /npx pulumi login file:/);
    for (const reason of [
      "incorrect passphrase",
      "passphrase must be set with PULUMI_CONFIG_PASSPHRASE",
    ])
      assert.match(
        remedyOf(`error: ${reason}`) ?? "",
        /docs\/secrets\.md.*export PULUMI_CONFIG_PASSPHRASE=/,
      );
    assert.equal(remedyOf("error: no stack named 'x' found"), null);
  });

  it("warns once when the engine does not return the outputs, and falls back to the plan of the file", async () => {
    project.write("bin/outputs", "not JSON");
    const { stderr, exitCode } = await inCommand(async (stack) => {
      assert.equal((await stack.plan()).nodes.length, 3);
      assert.deepEqual(await stack.outputsOrNone(), {});
      await assert.rejects(stack.outputs(), /pulumi did not return the stack's outputs/);
      assert.equal(project.engineCalls().length, 1);
    });
    assert.equal(exitCode, 0, stderr);
    assert.equal(stderr.split("pulumi did not return the stack's outputs").length, 2);
  });
});
