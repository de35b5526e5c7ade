/**
 * The command plugin with the real engine: what is recorded, shown and run again, step by step on one stack. Tests the
 * stand-in by default, or COMMAND_PLUGIN=/path/to/pulumi-resource-command.
 */
import * as assert from "node:assert/strict";
import { type Commands, EngineProgram, type EngineResult } from "../command-plugin/engine-program";
import { end, waitForExit, linesOf } from "../command-plugin/processes";

const many = Array.from({ length: 50 }, (_, i) => `many-${i}`);

/** Resources that stay the same in all steps. */
const unchanged: Commands = {
  ...Object.fromEntries(many.map((name) => [name, { create: `echo ${name}` }])),
  quiet: { create: "echo quiet >> log; echo out; echo err >&2" },
  sealed: { create: "wc -c", stdin: "s3cr3t-of-the-test" },
};
const changing: Commands = {
  updated: { create: "echo first", update: 'echo "was $PULUMI_COMMAND_STDOUT"', stdin: "a" },
  triggered: triggered("a"),
  breaking: { create: "true", stdin: "a" },
  removed: { create: "true", delete: "echo removed >> log; test -e allowed" },
};

function triggered(trigger: string): Record<string, unknown> {
  return {
    create: `echo create ${trigger} >> log`,
    update: "echo update >> log",
    delete: `echo delete ${trigger} >> log`,
    triggers: [trigger],
  };
}

describe("the command plugin with the engine", () => {
  let program: EngineProgram;
  before(async () => {
    program = await EngineProgram.create();
  });
  after(() => {
    program.remove();
  });

  it("rejects invalid inputs before anything runs", async () => {
    program.declare({ quiet: { create: "echo ran >> log", environment: { A: 1 } } });
    const up = failed(await program.up());
    assert.match(up.output, /environment\[A\] value.* must be a 'string'; got 'float64' instead/);
    assert.equal(program.read("log"), "");
  });

  it("runs nothing in a preview", async () => {
    program.declare({ ...unchanged, ...changing });
    const preview = succeeded(await program.pulumi("preview", "--stack", "test"));
    assert.match(preview.output, /quiet *: \[unknown\]/);
    assert.equal(program.read("log"), "");
  });

  it("records what ran but not a failed create, whose output is in the error", async () => {
    program.declare({ ...unchanged, ...changing, failing: { create: "echo why; exit 3" } });
    const up = failed(await program.up());
    assert.match(up.output, /error: exit status 3: running "echo why; exit 3":\n {4}why\n/);
    const { commands } = program.state();
    assert.equal(commands["failing"], undefined);
    assert.deepEqual(
      many.map((name) => commands[name]?.outputs["stdout"]),
      many,
    );
    const { stdout, stderr } = commands["quiet"]?.outputs ?? {};
    assert.deepEqual([stdout, stderr], ["out", "err"]);
    assert.deepEqual(lines(program), ["create a", "quiet"]);
  });

  it("stores a secret stdin as ciphertext, in inputs and outputs", () => {
    const { commands, text } = program.state();
    assert.doesNotMatch(text, /s3cr3t/);
    const { inputs = {}, outputs = {} } = commands["sealed"] ?? {};
    assert.deepEqual([Object.keys(inputs), outputs["stdout"]], [["create", "stdin"], "18"]);
    for (const { stdin } of [inputs, outputs]) assert.match(JSON.stringify(stdin), /"ciphertext":/);
  });

  it("retries a failed create and runs nothing else", async () => {
    program.declare({ ...unchanged, ...changing, failing: { create: "echo fixed >> log" } });
    assert.match(succeeded(await program.up()).output, /\+ 1 created\n {4}57 unchanged/);
    succeeded(await program.pulumi("refresh", "--yes", "--skip-preview", "--stack", "test"));
    assert.deepEqual(lines(program), ["create a", "fixed", "quiet"]);
  });

  it("updates in place with update, but replaces when an item of triggers changes", async () => {
    const before = program.state().commands;
    program.declare({
      ...unchanged,
      updated: { ...changing["updated"], stdin: "b" },
      triggered: triggered("b"),
      breaking: { create: "test -e fixed", stdin: "b" },
    });
    const up = failed(await program.up());
    const after = program.state().commands;
    assert.equal(after["updated"]?.id, before["updated"]?.id);
    assert.equal(after["updated"]?.outputs["stdout"], "was first");
    assert.notEqual(after["triggered"]?.id, before["triggered"]?.id);
    assert.match(up.output, /~ 1 updated/);
    assert.match(up.output, /1 replaced/);
    assert.match(program.read("log"), /create b\n(.*\n)*delete a\n/);
    assert.doesNotMatch(program.read("log"), /update/);
  });

  it("keeps the old inputs of a failed update and retries it", async () => {
    assert.equal(program.state().commands["breaking"]?.inputs["create"], "true");
    program.declare({ ...unchanged, breaking: { create: "echo repaired", stdin: "b" } });
    failed(await program.up());
    assert.equal(program.state().commands["breaking"]?.outputs["stdout"], "repaired");
  });

  it("keeps a resource whose delete fails, and removes it once the delete succeeds", async () => {
    assert.notEqual(program.state().commands["removed"], undefined);
    program.write("allowed", "");
    succeeded(await program.up());
    assert.equal(program.state().commands["removed"], undefined);
    assert.match(program.read("log"), /removed\n(.*\n)*removed\n/);
  });

  it("kills the running command on SIGINT and does not record it", async () => {
    program.declare({ ...unchanged, long: { create: "echo $$ >> pids; exec sleep 600" } });
    const { finished, signal } = program.startUp();
    const [pid = ""] = await linesOf(program.file("pids"), 1, 60_000);
    signal("SIGINT");
    const { output } = failed(await finished);
    assert.match(output, /error: signal: killed: running "echo \$\$ >> pids; exec sleep 600"/);
    await waitForExit(pid);
    assert.equal(program.state().commands["long"], undefined);
  });

  it("kills the running command when the engine is killed", async () => {
    const create = "echo $$ >> pids2; echo $PPID >> pids2; exec sleep 600";
    program.declare({ ...unchanged, long: { create } });
    const { finished, signal } = program.startUp();
    const [command = "", plugin = ""] = await linesOf(program.file("pids2"), 2, 60_000);
    signal("SIGKILL");
    await waitForExit(command);
    // The stand-in exits by itself; the real plugin keeps running.
    if (process.env["COMMAND_PLUGIN"] !== undefined) end(plugin);
    await waitForExit(plugin);
    await finished;
  });
});

/** The lines that the commands have logged, sorted, because they run concurrently. */
function lines(program: EngineProgram): string[] {
  return program.read("log").trim().split("\n").sort();
}

function succeeded(finished: EngineResult): EngineResult {
  assert.equal(finished.code, 0, finished.output);
  return finished;
}

function failed(finished: EngineResult): EngineResult {
  assert.notEqual(finished.code, 0, finished.output);
  return finished;
}
