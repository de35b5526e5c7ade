/** The lab command: running commands on nodes, JSON output, and usage errors. Needs root. */
import * as assert from "node:assert/strict";
import * as path from "node:path";
import { Lab } from "../../scripts/lab/lab";
import { run } from "../../scripts/lab/process";
import type { CommandResult } from "../../scripts/lab/process";
import { layoutOf } from "../../scripts/lab/layout";
import { scenarios } from "../../scripts/lab/scenarios";
import { smallWorld } from "./support/small-world";

/** The compiled program that `npm run lab` starts; the set-up compiles it before the tests. */
const MAIN = path.join(__dirname, "../../dist/scripts/lab/main.js");
const ID = "test-command";

describe("the lab command", function () {
  this.timeout(60_000);
  let lab: Lab;
  before(async () => {
    lab = await Lab.up(smallWorld(), { id: ID });
  });
  after(() => lab.down());

  it("passes all arguments to the command on a node, including options", async () => {
    const args = ["--json", "-c1", "a b", "$HOME", "'"];
    const { code, stdout } = await exec("laptop", "printf", "%s|", ...args);
    assert.deepEqual([code, stdout], [0, `${args.join("|")}|`]);
    const ping = await exec("laptop", "ping", "-c1", "203.0.113.10");
    assert.match(ping.stdout, /1 received/);
  });

  it("passes stdin and the exit code through", async () => {
    const { code, stdout } = await exec("relay", "sh", "-c", "cat; exit 9");
    assert.deepEqual([code, stdout], [9, "typed"]);
  });

  it("also runs on routers, and on the operator in the repository", async () => {
    const router = await exec("home", "nft", "list", "ruleset");
    assert.match(router.stdout, /masquerade/);
    const operator = await exec("operator", "pwd");
    assert.equal(operator.stdout, `${path.join(__dirname, "../..")}\n`);
  });

  it("prints the result as JSON with --json", async () => {
    const { code, stdout } = await command(
      ...[
        "exec",
        "--json",
        "--scenario",
        ID,
        "laptop",
        "sh",
        "-c",
        "echo out; echo err >&2; exit 3",
      ],
    );
    assert.equal(code, 3);
    assert.deepEqual(JSON.parse(stdout), {
      lab: ID,
      node: "laptop",
      command: ["sh", "-c", "echo out; echo err >&2; exit 3"],
      code: 3,
      stdout: "out\n",
      stderr: "err\n",
    });
  });

  it("lists the valid names after an unknown scenario or node", async () => {
    const scenario = await command("nowhere");
    assert.equal(scenario.code, 2);
    assert.match(
      scenario.stderr,
      /^There is no scenario "nowhere"\. There are:\n {2}relay .*\n {2}quickstart /,
    );
    const node = await exec("phone", "true");
    assert.equal(node.code, 2);
    assert.equal(
      node.stderr,
      `The lab ${ID} has no node phone. It has: internet, operator, home, cafe, relay, desktop, laptop\n`,
    );
    const option = await command("--jsno");
    assert.deepEqual(
      [option.code, option.stderr],
      [2, "error: unknown option '--jsno'\n(Did you mean --json?)\n"],
    );
  });

  it("reports that it needs root", async () => {
    const argv = [process.execPath, MAIN];
    const { code, stderr } = await run(["setpriv", "--reuid=65534", "--clear-groups", ...argv]);
    assert.equal(code, 1);
    assert.match(stderr, /needs root\. Try: sudo npm run lab\n$/);
  });

  it("says which labs are up, and treats an unknown one as wrong usage", async () => {
    const { code, stdout } = await command("status", "ec2", "--json");
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), { ok: true, labs: [] });
    assert.equal((await command("status", "nowhere")).code, 2);
  });

  it("lists the scenarios in its help", async () => {
    const { code, stdout } = await command("--help");
    assert.equal(code, 0);
    for (const { name, title } of scenarios)
      assert.ok(stdout.includes(`${name.padEnd(12)} ${title}`));
  });

  function exec(...args: string[]): Promise<CommandResult> {
    return command("exec", "--scenario", ID, ...args);
  }

  function command(...args: string[]): Promise<CommandResult> {
    const argv = [process.execPath, MAIN, ...args];
    return run(argv, { input: "typed" });
  }
});

describe("a scenario", () => {
  for (const { name, world, picture, config } of scenarios) {
    it(`shows all its nodes in its picture: ${name}`, () => {
      layoutOf("test", world);
      const mesh = config({ managementAddress: () => "172.29.0.10" });
      const nodes = [...Object.entries(mesh.relays ?? {}), ...Object.entries(mesh.peers)];
      const tunnel = nodes.flatMap(([node, fields]) => [node, String(fields["address"])]);
      const outer = [...Object.entries(world.nats ?? {}), ...Object.entries(world.hosts)].flatMap(
        ([node, fields]) => [node, fields.public, "lan" in fields ? fields.lan : undefined],
      );
      for (const word of [...tunnel, ...outer]) assert.ok(picture.includes(word ?? ""), word);
    });
  }
});
