/** add-peer and remove-peer on stack files as people write them, and at once. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { addPeerCommand } from "../../scripts/commands/add-peer";
import { previewCommand } from "../../scripts/commands/preview";
import { removePeerCommand } from "../../scripts/commands/remove-peer";
import { upCommand } from "../../scripts/commands/up";
import { keyOf, STACK_FILE } from "./support/network";
import { projectOfEachTest, type Outcome } from "./support/test-project";

const FILE = "Pulumi.test.yaml";
const DIST = join(__dirname, "../../dist/scripts");

describe("commands that change a stack file", () => {
  const project = projectOfEachTest();

  const run = (...args: string[]): Promise<Outcome> =>
    project.run([addPeerCommand(), removePeerCommand()], ...args);
  const add = (name: string) => run("add-peer", name, "--public-key", keyOf(name));
  const start = (name: string): string => {
    const text = fs.readFileSync(join(__dirname, "fixtures/stackfiles", name), "utf8");
    project.write(FILE, text);
    return text;
  };
  const refused = async (outcome: Promise<Outcome>, text: string, pattern: RegExp) => {
    const { exitCode, stderr, stdout } = await outcome;
    assert.match(stderr, pattern);
    assert.deepEqual([exitCode, stdout], [1, ""]);
    assert.equal(project.read(FILE), text);
  };

  it("refuse peers that are JSON text: they neither replace them nor report a removal", async () => {
    const text = start("json-peers.yaml");
    const pattern = /peers is JSON text.*\n {2}remove the quotes around it/;
    await refused(add("phone"), text, pattern);
    await refused(run("remove-peer", "workshop"), text, pattern);
  });

  it("edit JSON as YAML once its quotes are removed, as the remedy says", async () => {
    project.write(FILE, start("json-peers.yaml").replaceAll("'", ""));
    assert.equal((await add("phone")).exitCode, 0);
    assert.equal((await run("remove-peer", "workshop")).exitCode, 0);
    const { config } = parse(project.read(FILE)) as { config: Record<string, object> };
    assert.deepEqual(Object.keys(config["wireguard-mesh:peers"] ?? {}), ["reception", "phone"]);
  });

  it("edit beside anchors and merges, and refuse to remove what others refer to", async () => {
    const text = start("anchors.yaml");
    assert.equal((await add("phone")).exitCode, 0);
    const added = `    phone:\n      address: 10.86.0.4\n      publicKey: ${keyOf("phone")}\n`;
    assert.equal(project.read(FILE), text + added);
    assert.equal((await run("remove-peer", "phone")).exitCode, 0);
    assert.equal(project.read(FILE), text);
    await refused(
      run("remove-peer", "reception"),
      text,
      /peers\.reception cannot be changed without changing more.*\n.*&NAME, \*NAME, <</,
    );
    await run("remove-peer", "workshop");
    assert.equal(project.read(FILE), text.slice(0, text.indexOf("    workshop:")));
  });

  it("refuse peers behind an alias", async () => {
    const text = start("anchors.yaml")
      .replace("config:", "people: &people\n  old: { address: 10.86.0.2 }\nconfig:")
      .replace(/wireguard-mesh:peers:[^]*/, "wireguard-mesh:peers: *people\n");
    project.write(FILE, text);
    await refused(add("phone"), text, /peers is an alias \(\*people\)/);
    await refused(run("remove-peer", "old"), text, /peers is an alias \(\*people\)/);
  });

  it("keep every comment outside the lines of a peer, of the first, a middle and the last one", async () => {
    const text = start("comments.yaml");
    const own = ["# upstairs"];
    const comments = (file: string) => file.match(/# .*/g) ?? [];
    await add("phone");
    assert.deepEqual(comments(project.read(FILE)), comments(text));
    for (const name of ["phone", "reception", "nas", "workshop"]) {
      assert.equal((await run("remove-peer", name)).exitCode, 0);
    }
    const left = comments(text).filter((comment) => !own.includes(comment));
    assert.deepEqual(comments(project.read(FILE)), left);
    assert.match(project.read(FILE), /^ {2}wireguard-mesh:peers: \{\}$/m);
  });

  it("keep a symbolic link, permissions and line ends", async () => {
    const file = join(project.root, FILE);
    fs.mkdirSync(join(project.root, "shared"));
    fs.writeFileSync(join(project.root, "shared/mesh.yaml"), STACK_FILE.replaceAll("\n", "\r\n"));
    fs.chmodSync(join(project.root, "shared/mesh.yaml"), 0o640);
    fs.symlinkSync("shared/mesh.yaml", file);
    assert.equal((await add("tablet")).exitCode, 0);
    assert.equal(fs.readlinkSync(file), "shared/mesh.yaml");
    assert.equal(fs.statSync(file).mode & 0o777, 0o640);
    assert.deepEqual([...new Set(project.read(FILE).match(/\r?\n/g))], ["\r\n"]);
  });

  it("refuse a read-only file before the engine encrypts a secret", async () => {
    project.write(FILE, STACK_FILE);
    fs.chmodSync(join(project.root, FILE), 0o444);
    await refused(run("add-peer", "tablet"), STACK_FILE, /is read-only \(mode 0444\)/);
    assert.deepEqual(project.engineCalls(), []);
  });

  it("refuse a file that is not UTF-8", async () => {
    const bytes = Buffer.from(`${STACK_FILE}# caf\xe9\n`, "latin1");
    fs.writeFileSync(join(project.root, FILE), bytes);
    const { exitCode, stderr } = await add("tablet");
    assert.equal(exitCode, 2);
    assert.match(stderr, /is not UTF-8 text at line \d+/);
    assert.ok(fs.readFileSync(join(project.root, FILE)).equals(bytes));
  });

  it("make no file for a stack that was mistyped", async () => {
    project.write("Pulumi.home.yaml", STACK_FILE);
    for (const args of [
      ["add-peer", "tablet", "--stack", "hme", "--public-key", keyOf("tablet")],
      ["remove-peer", "phone", "--stack", "hme"],
    ]) {
      const { exitCode, stderr } = await run(...args);
      assert.equal(exitCode, 2);
      assert.match(
        stderr,
        /there is no stack file .*Pulumi\.hme\.yaml\n {2}did you mean --stack home\?/,
      );
    }
    assert.ok(!fs.existsSync(join(project.root, "Pulumi.hme.yaml")));
  });

  it("do not start the engine while it would read a value differently from how it is written", async () => {
    project.write(FILE, STACK_FILE.replace("enabled: true", "persistentKeepalive: 025"));
    for (const verb of ["up", "preview"]) {
      const { exitCode, stderr } = await project.run([upCommand(), previewCommand()], verb);
      assert.equal(exitCode, 1);
      assert.match(
        stderr,
        /engine reads differently; nothing was changed\n {2}peers\.phone\.persistentKeepalive: "025"/,
      );
    }
    assert.deepEqual(project.engineCalls(), []);
  });

  it("name a secret that is not encrypted, because the engine names no key", async () => {
    // Only a map with no other key is a secret.
    const tags = "  other:tags: { secure: x, team: y }\n";
    project.write(FILE, STACK_FILE.replace("secure: v1:phone", "secure: hello") + tags);
    const { stderr } = await project.run([upCommand(), previewCommand()], "preview");
    assert.match(
      stderr,
      /cannot decrypt; nothing was changed\n {2}privateKeys\.phone: `secure:` is[^]*--secret 'wireguard-mesh:privateKeys\.phone'/,
    );
    assert.deepEqual(project.engineCalls(), []);
  });

  it("accept every name, also constructor", async () => {
    project.write(FILE, STACK_FILE);
    assert.equal((await run("add-peer", "constructor")).exitCode, 0);
    assert.match(project.read(FILE), /^ {4}constructor:\n {6}address: 10\.86\.0\.3\n/m);
    assert.equal((await run("remove-peer", "constructor")).exitCode, 0);
    assert.equal(project.read(FILE), STACK_FILE);
    const { stderr } = await run("remove-peer", "constructor");
    assert.match(stderr, /there is no peer "constructor"/);
  });

  it("take turns: twenty at once lose nothing and give no address twice", async () => {
    project.write(FILE, STACK_FILE);
    const names = Array.from({ length: 20 }, (_, index) => `p${index}`);
    const groups = [0, 5, 10, 15].map((at) => names.slice(at, at + 5));
    const codes = await Promise.all(groups.map((group) => addInOneProcess(project.root, group)));
    assert.deepEqual(codes, [0, 0, 0, 0]);
    const { config } = parse(project.read(FILE)) as {
      config: Record<string, Record<string, { address: string }>>;
    };
    const peers = config["wireguard-mesh:peers"] ?? {};
    assert.deepEqual(Object.keys(peers).sort(), ["laptop", "phone", ...names].sort());
    assert.equal(new Set(Object.values(peers).map(({ address }) => address)).size, 22);
  }).timeout(120_000);
});

/** Adds the peers at once, by the compiled command in a process of its own; resolves to its exit code. */
function addInOneProcess(cwd: string, names: string[]): Promise<number | null> {
  const calls = names.map((name) => ["add-peer", name, "--public-key", keyOf(name), "-s", "test"]);
  const program = `
    const { addPeerCommand } = require(${JSON.stringify(join(DIST, "commands/add-peer"))});
    const { runProgram } = require(${JSON.stringify(join(DIST, "cli/program"))});
    const runs = ${JSON.stringify(calls)}.map((args) => runProgram([addPeerCommand()], args));
    Promise.all(runs).then((codes) => (process.exitCode = Math.max(...codes)));`;
  const child = spawn(process.execPath, ["-e", program], { cwd, stdio: "ignore" });
  return new Promise((resolve) => child.on("close", resolve));
}
