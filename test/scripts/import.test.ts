/** The import command on files: what it writes, and that it writes nothing otherwise. The engine is a fake. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { importCommand } from "../../scripts/commands/import";
import { hostKeyLine } from "../support/key-pairs";
import { formsOf } from "../support/secret-forms";
import { projectOfEachTest, type Outcome } from "./support/test-project";

const FILE = "Pulumi.home.yaml";
const FIXTURES = path.join(__dirname, "../mesh/import/fixtures");

type Config = Record<string, Record<string, Record<string, unknown>>>;

describe("import", () => {
  const project = projectOfEachTest();

  beforeEach(() => {
    cpSync(FIXTURES, path.join(project.root, "old"), { recursive: true });
  });

  const run = (...args: string[]): Promise<Outcome> =>
    project.run([importCommand()], "import", "--stack", "home", ...args);
  const exists = () => project.engineCalls().length > 0;
  const config = () => (parse(project.read(FILE)) as { config: Config }).config;

  it("writes the network and its encrypted keys, which the engine gets on stdin alone", async () => {
    const { exitCode, stdout, stderr } = await run(
      "old/site-to-site/foo.conf",
      "old/site-to-site/bar.conf",
      "--cidr",
      "10.8.0.0/24",
    );
    assert.equal(exitCode, 1, stdout);
    assert.match(stderr, /has no address in 10\.8\.0\.0\/24/);
    const done = await run("old/origin");
    assert.equal(done.exitCode, 0, done.stderr);
    assert.match(done.stdout, /same +a +\(old\/origin\/a\.conf\)/);
    const written = config();
    assert.deepEqual(Object.keys(written), [
      ...["network", "relays", "peers", "privateKeys"].map((key) => `wireguard-mesh:${key}`),
    ]);
    assert.deepEqual(Object.keys(written["wireguard-mesh:privateKeys"] ?? {}), ["a", "b", "c"]);
    const secrets = project.engineCalls().flatMap(({ stdin }) => (stdin === "" ? [] : [stdin]));
    assert.equal(secrets.length, 3);
    const calls = project.engineCalls().flatMap(({ argv, environment }) => [...argv, environment]);
    const seen = [...calls, project.read(FILE), done.stdout, done.stderr].join("\n");
    for (const form of secrets.flatMap((secret) => [...formsOf(secret)]))
      assert.ok(!seen.includes(form));
  });

  it("gives new links derived preshared keys only where all imported ones have their own", async () => {
    const done = await run("old/hub-and-spoke", "--accept-differences");
    assert.equal(done.exitCode, 0, done.stderr);
    assert.deepEqual(Object.keys(config()["wireguard-mesh:presharedKeys"] ?? {}), [
      ...["alice/bob", "alice/charlie", "alice/dave"],
    ]);
    assert.ok("wireguard-mesh:presharedKeySeed" in config());
  });

  it("writes nothing if a file would change, unless that is accepted", async () => {
    const { exitCode, stdout, stderr } = await run("old/groups");
    assert.equal(exitCode, 1);
    assert.match(stdout, /differs +guest/);
    assert.match(stdout, /peer relay: AllowedIPs 10\.60\.0\.0\/24/);
    assert.match(
      stderr,
      /change the files of guest, so nothing was written\n.*--accept-differences/,
    );
    assert.equal(exists(), false);
    assert.equal((await run("old/groups", "--accept-differences")).exitCode, 0);
    assert.equal(exists(), true);
  });

  it("lists everything that cannot be imported, by file and line, and writes nothing", async () => {
    project.write("old/origin/a.conf", "[Interface]\nSaveConfig = true\nTable = off\n");
    const { exitCode, stderr } = await run("old/origin");
    assert.equal(exitCode, 1);
    for (const words of ["a.conf:2: SaveConfig", "a.conf:3: Table", "a.conf: has no PrivateKey"])
      assert.ok(stderr.includes(`old/origin/${words}`), stderr);
    assert.match(stderr, /cannot be imported as it is; nothing was written/);
    assert.equal(exists(), false);
  });

  it("refuses wg-easy's database, with a remedy", async () => {
    project.write("old/wg-easy/wg-easy.db", "SQLite format 3");
    const { exitCode, stderr } = await run("old/wg-easy");
    assert.equal(exitCode, 1);
    assert.match(
      stderr,
      /wg-easy\.db: is the database of wg-easy 15 or newer, which is not\s+read\s+give wg0\.conf/,
    );
  });

  it("takes the host keys of the nodes that are pushed to from the command line", async () => {
    const push = ["--push", "installer=root@203.0.113.10", "--host-key", hostKeyLine(7)];
    const { exitCode, stderr } = await run("old/installer", ...push);
    assert.equal(exitCode, 0, stderr);
    const relay = config()["wireguard-mesh:relays"]?.["installer"];
    assert.deepEqual([relay?.["host"], relay?.["hostKey"]], ["root@203.0.113.10", hostKeyLine(7)]);
  });

  it("shows config and comparison with --dry-run, without a key, and writes nothing", async () => {
    const { exitCode, stdout } = await run("old/origin", "--dry-run");
    assert.equal(exitCode, 0);
    assert.match(stdout, /^ {2}wireguard-mesh:relays:\n {4}c:\n {6}address: 10\.0\.0\.1$/m);
    assert.match(stdout, /^ {2}wireguard-mesh:privateKeys:\n {4}a: \(hidden\)$/m);
    assert.equal(exists(), false);
  });

  it("prints JSON without keys", async () => {
    const { stdout } = await run("old/hub-and-spoke", "--json");
    const { ok, written, files } = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([ok, written], [false, false]);
    assert.deepEqual((files as object[])[0], {
      node: "alice",
      source: "old/hub-and-spoke/alice.conf",
      differences: [],
    });
  });

  it("refuses a stack that has a network or secrets already", async () => {
    project.write(FILE, "config:\n  wireguard-mesh:peers:\n    a: { address: 10.0.0.1 }\n");
    const { exitCode, stderr } = await run("old/origin");
    assert.equal(exitCode, 1);
    assert.match(stderr, /Pulumi\.home\.yaml has peers already, and an import makes a new network/);
  });

  it("is wrong usage without files and hosts, with an unknown --push, or with a folder without files", async () => {
    mkdirSync(path.join(project.root, "empty"));
    const cases: [string[], RegExp][] = [
      [[], /what to import\?/],
      [["old/origin", "--push", "d=root@203.0.113.1"], /--push: there is no file of d/],
      [["old/origin", "--push", "c"], /--push c: has no host/],
      [["old/nothing"], /there is no old\/nothing/],
      [["empty"], /empty has no wg-quick files/],
      [
        ["--host", "root@203.0.113.10", ...["--host-key", "a", "--host-key", "b"]],
        /not one --host-key/,
      ],
    ];
    for (const [args, words] of cases) {
      const { exitCode, stderr } = await run(...args);
      assert.deepEqual([exitCode, words.test(stderr)], [2, true], stderr);
    }
  });
});
