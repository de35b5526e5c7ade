/** A command asks the engine for the stack's outputs at most once per state: before an `up`, and after it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { rotateCommand } from "../../scripts/commands/rotate";
import { statusCommand } from "../../scripts/commands/status";
import { upCommand } from "../../scripts/commands/up";
import { keyOf, WITHOUT_HOSTS } from "./support/network";
import { projectOfEachTest } from "./support/test-project";

const UPDATED = readFileSync(join(__dirname, "fixtures/up-with-a-dead-host.jsonl"), "utf8");

describe("calls of the engine", () => {
  const project = projectOfEachTest({
    // Nothing waits for SSH.
    "Pulumi.test.yaml": WITHOUT_HOSTS,
    "bin/events": UPDATED,
    "bin/outputs": '{"peers":{"phone":{"fingerprint":"0123456789abcdef"}}}',
  });

  const commands = () => [upCommand(), rotateCommand(), statusCommand()];
  /** The calls, without flags. */
  const callsOf = async (...args: string[]): Promise<string[]> => {
    const { exitCode, stderr } = await project.run(commands(), ...args);
    assert.equal(exitCode, 0, stderr);
    return project.engineCalls().map(({ argv }) => {
      const flag = argv.findIndex((arg) => arg.startsWith("-"));
      return argv.slice(0, flag).join(" ");
    });
  };

  it("of up: the outputs before and after it", async () => {
    assert.deepEqual(await callsOf("up", "--yes"), [
      "stack output",
      "preview",
      "up",
      "stack output",
    ]);
  });

  it("of up, for a state of version 0.1.0: the configs in place of the fingerprints that it lacks", async () => {
    project.write("bin/outputs", '{"peers":{"phone":{}}}');
    const calls = await callsOf("up", "--yes");
    assert.deepEqual(calls, ["stack output", "stack output", "preview", "up", "stack output"]);
  });

  it("of up --check: no more than of up", async () => {
    const calls = await callsOf("up", "--yes", "--check");
    assert.deepEqual(calls, ["stack output", "preview", "up", "stack output"]);
  });

  it("of up with a rotation in progress: no more than of up", async () => {
    const next = `enabled: true\n      nextPublicKey: ${keyOf("next")}`;
    project.write("Pulumi.test.yaml", WITHOUT_HOSTS.replace("enabled: true", next));
    assert.deepEqual(await callsOf("up", "--yes"), [
      "stack output",
      "preview",
      "up",
      "stack output",
    ]);
  });

  it("of rotate with its two runs: the outputs before, between and after them", async () => {
    const calls = await callsOf("rotate", "phone", "--yes");
    assert.deepEqual(
      calls.filter((call) => !call.startsWith("config ")),
      ["stack output", "up", "stack output", "up", "stack output"],
    );
  });

  it("of rotate --finish: the outputs before and after its run", async () => {
    const calls = await callsOf("rotate", "phone", "--finish", "--yes");
    assert.deepEqual(
      calls.filter((call) => !call.startsWith("config ")),
      ["stack output", "up", "stack output"],
    );
  });

  it("of status: the outputs once", async () => {
    assert.deepEqual(await callsOf("status"), ["stack output"]);
  });

  /** What the engine gets as an environment variable where the user has set it to `own`, or not. */
  const passedOn = async (name: string, own?: string): Promise<string | undefined> => {
    const { [name]: before } = process.env;
    const set = (value: string | undefined): void => {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    };
    set(own);
    try {
      await callsOf("up", "--yes");
    } finally {
      set(before);
    }
    const { environment = "" } = project.engineCalls().at(-1) ?? {};
    return new RegExp(`${name}[^/\\d]+([^"\\\\]+)`).exec(environment)?.[1];
  };

  it("enable Node's compile cache, unless the user has set another one", async () => {
    const name = "NODE_COMPILE_CACHE";
    assert.match((await passedOn(name)) ?? "", /\/node_modules\/\.cache\/wireguard-mesh\/node$/);
    assert.equal(await passedOn(name, "/elsewhere"), "/elsewhere");
  });

  it("push to at least 20 hosts at once, unless the user has set the number", async () => {
    const name = "PULUMI_PARALLEL";
    assert.equal(Number(await passedOn(name)), Math.max(20, 4 * availableParallelism()));
    assert.equal(await passedOn(name, "3"), "3");
  });
});
