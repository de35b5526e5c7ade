/** Completion in real shells: bash, and zsh and fish where they are installed. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { newCommand, STACK_OPTION } from "../../scripts/cli/command";
import { completionCommand } from "../../scripts/commands/completion";
import { makeTestProject, type TestProject } from "./support/test-project";

const PROGRAM = join(__dirname, "../../dist/scripts/wireguard-mesh.js");

/** Commands of each kind, with names that are special to a shell. */
function commands(): Command[] {
  const help = { description: 'It\'s [a] "$(test)": with `all` \\ of it.', examples: [] };
  return [
    completionCommand(),
    newCommand("send <node> <file>", help).option(...STACK_OPTION),
    newCommand("meet <from> <to>", help),
    newCommand("tell [nodes...]", help)
      .option("-q, --quiet", "it's [quiet]: $HOME")
      .option("-o, --out <file>", "where to")
      .option("--to <node>", "whom")
      .option("--word <word>", "what"),
  ];
}

/** The line that is typed, up to the cursor, and what is offered. */
const CASES: [line: string, offered: string][] = [
  ["npx wireguard-mesh te", "tell"],
  ["wireguard-mesh te", "tell"],
  ["wireguard-mesh send ", "desk phone tokyo"],
  ["npx wireguard-mesh send ph", "phone"],
  ["npx wireguard-mesh send phone no", "notes.txt"],
  ["wireguard-mesh meet phone t", "tokyo"],
  ["wireguard-mesh tell phone tokyo d", "desk"],
  ["wireguard-mesh tell --q", "--quiet"],
  ["wireguard-mesh tell -o no", "notes.txt"],
  ["wireguard-mesh tell --to ph", "phone"],
  ["wireguard-mesh tell --word ", ""],
  ["wireguard-mesh tell --word x d", "desk"],
  ["wireguard-mesh send --stack ", "other test"],
  ["wireguard-mesh send --stack other ", "far"],
  ["wireguard-mesh send -s other f", "far"],
  ["wireguard-mesh completion z", "zsh"],
];

describe("completion", function () {
  this.timeout(60_000);
  let project: TestProject;
  const env = () => ({ ...process.env, PULUMI_STACK: "test", PULUMI_HOME: project.root });

  before(async () => {
    project = makeTestProject();
    const network = (...names: string[]) =>
      `config:\n  wireguard-mesh:peers: { ${names.map((name) => `${name}: {}`).join(", ")} }\n`;
    project.write(
      "Pulumi.test.yaml",
      `${network("desk", "phone", '"$(touch evil)"')}  wireguard-mesh:relays: { tokyo: { bad: 1 } }\n`,
    );
    project.write("Pulumi.other.yaml", network("far"));
    mkdirSync(join(project.root, "node_modules/.bin"), { recursive: true });
    symlinkSync(PROGRAM, join(project.root, "node_modules/.bin/wireguard-mesh"));
    mkdirSync(join(project.root, "below"));
    writeFileSync(join(project.root, "below/notes.txt"), "");
    for (const shell of ["bash", "zsh", "fish"]) {
      const { exitCode, stdout } = await project.run(commands(), "completion", shell);
      assert.equal(exitCode, 0);
      project.write(`script.${shell}`, stdout);
    }
  });
  after(() => {
    project.remove();
  });

  /** In a folder below the project's, where npx finds the command as well. */
  const inShell = (shell: string, args: string[]) => {
    const cwd = join(project.root, "below");
    const { status, stdout, stderr } = spawnSync(shell, args, {
      cwd,
      encoding: "utf8",
      env: env(),
    });
    assert.equal(status, 0, stderr);
    return stdout;
  };

  /** As readline calls it: with the words, of which the last one is being typed. */
  const inBash = (line: string): string => {
    const words = line.replace("=", " = ").split(" ");
    const script = `source ../script.bash
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
      if [[ $1 == npx ]]; then _wireguard_mesh_npx; else _wireguard_mesh; fi
      echo "\${COMPREPLY[*]}"`;
    return sorted(inShell("bash", ["--norc", "-c", script, "bash", ...words]).split(/\s+/));
  };

  it("offers commands, options, files, nodes and stacks in bash", () => {
    assert.deepEqual(
      CASES.map(([line]) => [line, inBash(line)]),
      CASES,
    );
    assert.equal(inBash("wireguard-mesh send --stack=ot"), "other");
    assert.equal(
      inBash("wireguard-mesh tell -"),
      "--help --out --quiet --to --word -h -o -q --json".split(" ").sort().join(" "),
    );
    assert.equal(inBash("wireguard-mesh bogus "), "");
    assert.equal(inBash("npx wire"), "wireguard-mesh");
    assert.equal(inBash("npx eslint te"), "");
  });

  it("runs no code from a name in a stack file", () => {
    assert.equal(inBash("wireguard-mesh tell "), "desk phone tokyo");
    assert.deepEqual(readdirSync(join(project.root, "below")), ["notes.txt"]);
  });

  it("keeps another program's completion for npx in bash", () => {
    const script = "complete -W own npx; source ../script.bash; complete -p npx";
    assert.equal(inShell("bash", ["--norc", "-c", script]), "complete -W 'own' npx\n");
  });

  it("offers the same in fish, if fish is installed", function () {
    if (!isThere("fish")) this.skip();
    const inFish = (line: string) => {
      const script = "source ../script.fish; complete -C $argv[1]";
      const lines = inShell("fish", ["--no-config", "-c", script, line]).split("\n");
      return sorted(lines.map((offer) => offer.split("\t")[0] ?? ""));
    };
    assert.deepEqual(
      CASES.map(([line]) => [line, inFish(line)]),
      CASES,
    );
  });

  it("is a script that zsh can read, if zsh is installed", function () {
    if (!isThere("zsh")) this.skip();
    inShell("zsh", ["-f", "-n", "../script.zsh"]);
    // compinit finds it, and both commands are registered.
    const script = `autoload -Uz compinit; compinit -u -D; source ../script.zsh
      print $_comps[wireguard-mesh] $_comps[npx]`;
    assert.equal(inShell("zsh", ["-f", "-c", script]), "_wireguard_mesh _wireguard_mesh_npx\n");
  });

  it("offers each command that the help lists, with each of its options", () => {
    const run = (...args: string[]) => spawnSync("node", [PROGRAM, ...args], { encoding: "utf8" });
    const script = run("completion", "bash").stdout;
    const listed = [...run("--help").stdout.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => name);
    assert.ok(listed.includes("up") && listed.includes("completion"));
    for (const name of ["up", "rotate", "completion"]) {
      const options = run(name, "--help").stdout.replace(/^[^]*Options:/, "");
      const flags = [...options.matchAll(/^ {2}(-[^ ,]*)(?:, (--[\w-]+))?/gm)].flatMap(
        ([, short = "", long = ""]) => (long === "" ? [short] : [short, long]),
      );
      assert.ok(flags.length > 3);
      const [, offered = ""] =
        new RegExp(`^ {4}${name}\\)\\n +flags='(.*)'`, "m").exec(script) ?? [];
      assert.deepEqual(offered.split(" ").sort(), flags.sort());
    }
    for (const name of listed) assert.match(script, new RegExp(`^ {4}${name}\\)$`, "m"));
  });

  it("reads names without the engine, and prints nothing without a stack", async () => {
    const wrong = await project.run(commands(), "completion", "tcsh");
    assert.match(wrong.stderr, /one of bash, zsh, fish\.$/m);
    const asked = await project.run(commands(), "completion", "nodes");
    assert.deepEqual(asked, { exitCode: 0, stdout: "tokyo\ndesk\nphone\n", stderr: "" });
    assert.deepEqual(project.engineCalls(), []);
    assert.equal(inBash("wireguard-mesh send --stack absent "), "");
  });
});

function isThere(shell: string): boolean {
  return spawnSync(shell, ["--version"]).status === 0;
}

function sorted(items: string[]): string {
  return items
    .filter((word) => word !== "")
    .sort()
    .join(" ");
}
