/**
 * The command plugin under the real engine: what is recorded, shown and run again, step by step on one stack.
 * Put to the stand-in here; to the real plugin with COMMAND_PLUGIN=/path/to/pulumi-resource-command.
 */
import * as assert from "node:assert/strict";
import { type Commands, EngineProgram, type CommandResult } from "../command-plugin/engine-program";
import { end, gone, linesOf } from "../command-plugin/processes";

const many = Array.from({ length: 50 }, (_, i) => `many-${i}`);

/** What stays as it is through all steps. */
const steady: Commands = {
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

describe("the command plugin under the engine", () => {
  let program: EngineProgram;
  before(async () => {
    program = await EngineProgram.make();
  });
  after(() => {
    program.remove();
  });

  it("refuses what it does not know before anything runs", async () => {
    program.declare({ quiet: { create: "echo ran >> log", environment: { A: 1 } } });
    const up = failed(await program.up());
    assert.match(up.said, /environment\[A\] value.* must be a 'string'; got 'float64' instead/);
    assert.equal(program.read("log"), "");
  });

  it("runs nothing in a preview", async () => {
    program.declare({ ...steady, ...changing });
    const preview = succeeded(await program.pulumi("preview", "--stack", "test"));
    assert.match(preview.said, /quiet *: \[unknown\]/);
    assert.equal(program.read("log"), "");
  });

  it("records what ran, and not the create that failed, which says why", async () => {
    program.declare({ ...steady, ...changing, failing: { create: "echo why; exit 3" } });
    const up = failed(await program.up());
    assert.match(up.said, /error: exit status 3: running "echo why; exit 3":\n {4}why\n/);
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

  it("keeps a secret stdin as ciphertext, in inputs and outputs", () => {
    const { commands, text } = program.state();
    assert.doesNotMatch(text, /s3cr3t/);
    const { inputs = {}, outputs = {} } = commands["sealed"] ?? {};
    assert.deepEqual([Object.keys(inputs), outputs["stdout"]], [["create", "stdin"], "18"]);
    for (const { stdin } of [inputs, outputs]) assert.match(JSON.stringify(stdin), /"ciphertext":/);
  });

  it("tries a failed create again, and runs nothing else", async () => {
    program.declare({ ...steady, ...changing, failing: { create: "echo mended >> log" } });
    assert.match(succeeded(await program.up()).said, /\+ 1 created\n {4}57 unchanged/);
    succeeded(await program.pulumi("refresh", "--yes", "--skip-preview", "--stack", "test"));
    assert.deepEqual(lines(program), ["create a", "mended", "quiet"]);
  });

  it("updates in place by update; replaces when an item of triggers changes, update or not", async () => {
    const before = program.state().commands;
    program.declare({
      ...steady,
      updated: { ...changing["updated"], stdin: "b" },
      triggered: triggered("b"),
      breaking: { create: "test -e mended", stdin: "b" },
    });
    const up = failed(await program.up());
    const after = program.state().commands;
    assert.equal(after["updated"]?.id, before["updated"]?.id);
    assert.equal(after["updated"]?.outputs["stdout"], "was first");
    assert.notEqual(after["triggered"]?.id, before["triggered"]?.id);
    assert.match(up.said, /~ 1 updated/);
    assert.match(up.said, /1 replaced/);
    assert.match(program.read("log"), /create b\n(.*\n)*delete a\n/);
    assert.doesNotMatch(program.read("log"), /update/);
  });

  it("kept the old inputs of the update that failed, and tries that again", async () => {
    assert.equal(program.state().commands["breaking"]?.inputs["create"], "true");
    program.declare({ ...steady, breaking: { create: "echo repaired", stdin: "b" } });
    failed(await program.up());
    assert.equal(program.state().commands["breaking"]?.outputs["stdout"], "repaired");
  });

  it("keeps a resource whose delete fails, and removes it once that succeeds", async () => {
    assert.notEqual(program.state().commands["removed"], undefined);
    program.write("allowed", "");
    succeeded(await program.up());
    assert.equal(program.state().commands["removed"], undefined);
    assert.match(program.read("log"), /removed\n(.*\n)*removed\n/);
  });

  it("kills the running command when the user interrupts, and does not record it", async () => {
    program.declare({ ...steady, long: { create: "echo $$ >> pids; exec sleep 600" } });
    const { finished, signal } = program.startUp();
    const [pid = ""] = await linesOf(program.file("pids"), 1, 60_000);
    signal("SIGINT");
    const { said } = failed(await finished);
    assert.match(said, /error: signal: killed: running "echo \$\$ >> pids; exec sleep 600"/);
    await gone(pid);
    assert.equal(program.state().commands["long"], undefined);
  });

  it("kills the running command when the engine is killed", async () => {
    const create = "echo $$ >> pids2; echo $PPID >> pids2; exec sleep 600";
    program.declare({ ...steady, long: { create } });
    const { finished, signal } = program.startUp();
    const [command = "", plugin = ""] = await linesOf(program.file("pids2"), 2, 60_000);
    signal("SIGKILL");
    await gone(command);
    // The stand-in goes by itself; the real plugin would stay.
    if (process.env["COMMAND_PLUGIN"] !== undefined) end(plugin);
    await gone(plugin);
    await finished;
  });
});

/** What the commands have noted, sorted: they run side by side. */
function lines(program: EngineProgram): string[] {
  return program.read("log").trim().split("\n").sort();
}

function succeeded(finished: CommandResult): CommandResult {
  assert.equal(finished.code, 0, finished.said);
  return finished;
}

function failed(finished: CommandResult): CommandResult {
  assert.notEqual(finished.code, 0, finished.said);
  return finished;
}
