import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");
const COMMANDS = "init add-peer remove-peer plan preview up status config qr".split(" ");

/** The compiled program in a process of its own, as `npx wireguard-mesh` runs it. */
function run(...args: string[]) {
  return spawnSync(process.execPath, ["dist/scripts/wireguard-mesh.js", ...args], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
}

describe("the command line", function () {
  this.timeout(60_000);

  it("lists every command, and shows its options and examples with --help", () => {
    const help = run("--help");
    assert.equal(help.status, 0);
    for (const name of COMMANDS) assert.match(help.stdout, new RegExp(`^  ${name} `, "m"));
    const { status, stdout } = run("add-peer", "--help");
    assert.equal(status, 0);
    assert.match(stdout, /--json/);
    assert.match(stdout, /^Examples:\n {2}npx wireguard-mesh add-peer laptop/m);
  });

  it("exits with 2 on wrong usage, without a stack trace", () => {
    const mistakes = [
      ["bogus"],
      ["bogus", "--help"],
      ["plan", "--bogus"],
      ["plan", "--file", "absent.yaml"],
      ["qr"],
      [],
    ];
    for (const args of mistakes) {
      const { status, stderr, stdout } = run(...args);
      assert.equal(status, 2, `${args.join(" ")}: ${stderr}`);
      assert.doesNotMatch(stderr + stdout, /^ {4}at /m);
      if (args.length === 0) continue;
      const json = run(...args, "--json");
      assert.equal(json.status, 2, args.join(" "));
      const { ok, error } = JSON.parse(json.stdout) as { ok: boolean; error: { message: string } };
      assert.equal(ok, false);
      assert.notEqual(error.message, "");
    }
  });

  it("prints its version", () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      version: string;
    };
    assert.deepEqual([run("--version").stdout, run("--version").status], [`${version}\n`, 0]);
  });

  it("prints the reason of a failure as JSON too", () => {
    const { status, stdout } = run("plan", "--file", "absent.yaml", "--json");
    assert.equal(status, 2);
    const { ok, error } = JSON.parse(stdout) as { ok: boolean; error: { message: string } };
    assert.equal(ok, false);
    assert.match(error.message, /there is no stack file absent\.yaml/);
  });
});
