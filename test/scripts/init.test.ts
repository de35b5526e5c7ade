import assert from "node:assert/strict";
import { existsSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { initCommand } from "../../scripts/commands/init";
import { editorLine } from "../../scripts/stack/editor-line";
import { HOST_KEY, STACK_FILE } from "./support/network";
import { projectOfEachTest, type Outcome } from "./support/test-project";

const FILE = "Pulumi.home.yaml";

interface File {
  encryptionsalt: string;
  config: Record<string, Record<string, Record<string, unknown>>>;
}

describe("init", () => {
  const project = projectOfEachTest();

  const run = (...args: string[]): Promise<Outcome> =>
    project.run([initCommand()], "init", "--stack", "home", ...args);
  const relay = [
    "--relay",
    "tokyo",
    "--host",
    "root@203.0.113.10",
    "--host-key",
    `${HOST_KEY} root@tokyo`,
  ];
  const read = (): File => parse(project.read(FILE)) as File;

  it("creates the stack, a relay with its key pair, and the seed", async () => {
    const { exitCode } = await run(...relay);
    assert.equal(exitCode, 0);
    const { encryptionsalt, config } = read();
    assert.equal(encryptionsalt, "v1:made");
    assert.deepEqual(config["wireguard-mesh:network"], { cidr: "10.86.0.0/24" });
    const { publicKey, ...facts } = config["wireguard-mesh:relays"]?.["tokyo"] ?? {};
    assert.match(String(publicKey), /^[A-Za-z0-9+/]{43}=$/);
    assert.deepEqual(facts, { address: "10.86.0.1", host: "root@203.0.113.10", hostKey: HOST_KEY });
    assert.deepEqual(Object.keys(config["wireguard-mesh:privateKeys"] ?? {}), ["tokyo"]);
    assert.deepEqual(Object.keys(config["wireguard-mesh:presharedKeySeed"] ?? {}), ["secure"]);
  });

  it("says that the stack is selected, and which one a command without --stack takes", async () => {
    const said = /home is selected now, but commands without --stack work on test \(PULUMI_STACK\)/;
    assert.match((await run(...relay)).stderr, said);
    project.write("bin/stacks", '[{"name":"home"}]');
    assert.match((await run()).stderr, said);
    project.write("bin/stacks", '[{"name":"test"}]');
    const own = await project.run([initCommand()], "init", "--stack", "organization/p/test");
    assert.doesNotMatch(own.stderr, /is selected now/);
  });

  it("points editors to the schema in a new file", async () => {
    await run(...relay);
    const [first = ""] = project.read(FILE).split("\n");
    const [, schema = ""] = /^# yaml-language-server: \$schema=(\S+)$/.exec(first) ?? [];
    const file = resolve(realpathSync(project.root), schema);
    assert.equal(file, join(__dirname, "../../docs/config.schema.json"));
    assert.ok(existsSync(file));
    // A folder that the engine makes later.
    assert.match(
      editorLine("/absent/Pulumi.home.yaml"),
      /\$schema=\.\.\/.*docs\/config\.schema\.json\n$/,
    );
  });

  it("gives secrets to the engine only on stdin", async () => {
    await run(...relay);
    const secrets = project
      .engineCalls()
      .map(({ stdin }) => stdin)
      .filter((stdin) => stdin !== "");
    assert.equal(secrets.length, 2);
    for (const { argv, environment } of project.engineCalls()) {
      for (const secret of secrets) assert.ok(![...argv, environment].join(" ").includes(secret));
    }
  });

  it("keeps the comments of an existing file, and changes nothing at a second run", async () => {
    project.write(FILE, "# Keep me\nconfig: {}\n");
    assert.equal((await run(...relay)).exitCode, 0);
    const first = project.read(FILE);
    assert.match(first, /^# Keep me\n/);
    project.write("bin/stacks", '[{"name":"home"}]');
    const again = await run();
    assert.equal(again.exitCode, 0);
    assert.match(again.stdout, /nothing was changed/);
    assert.equal(project.read(FILE), first);
  });

  it("adds keys and addresses to nodes that were written without them", async () => {
    project.write(
      FILE,
      "config:\n  wireguard-mesh:peers:\n    a: { address: 10.86.0.1, endpoint: '198.51.100.9:51820' }\n    b: { tags: [x] }\n",
    );
    const { exitCode, stderr } = await run();
    assert.equal(exitCode, 0, stderr);
    const { config } = read();
    const peers = config["wireguard-mesh:peers"] ?? {};
    assert.equal(peers["b"]?.["address"], "10.86.0.2");
    assert.deepEqual(Object.keys(config["wireguard-mesh:privateKeys"] ?? {}), ["a", "b"]);
    assert.notEqual(peers["a"]?.["publicKey"], peers["b"]["publicKey"]);
  });

  it("refuses a relay whose name exists, and another address range", async () => {
    project.write(FILE, STACK_FILE);
    project.write("bin/stacks", '[{"name":"home"}]');
    for (const args of [relay, ["--cidr", "10.20.0.0/24"]]) {
      const { exitCode, stderr } = await run(...args);
      assert.equal(exitCode, 1);
      assert.match(stderr, /init changes nothing that exists/);
      assert.equal(project.read(FILE), STACK_FILE);
    }
  });

  it("creates nothing when a machine's host key is not known", async () => {
    const { exitCode, stderr } = await run("--host", "root@192.0.2.77");
    assert.equal(exitCode, 1);
    assert.match(stderr, /cat \/etc\/ssh\/ssh_host_ed25519_key\.pub/);
    assert.deepEqual(project.engineCalls(), []);
  });

  describe("with --ec2", () => {
    const ec2 = ["--relay", "tokyo", "--ec2", "--admin-cidr", "203.0.113.7/32"];
    const key = ["--authorized-key", `${HOST_KEY} me@home`];

    it("writes an ec2 relay, the seed of the SSH authority, and the region", async () => {
      const { exitCode, stderr } = await run(...ec2, ...key, "--region", "ap-northeast-1");
      assert.equal(exitCode, 0, stderr);
      const { config } = read();
      const { publicKey, ...facts } = config["wireguard-mesh:relays"]?.["tokyo"] ?? {};
      assert.match(String(publicKey), /^[A-Za-z0-9+/]{43}=$/);
      assert.deepEqual(facts, {
        address: "10.86.0.1",
        ec2: { adminCidrs: ["203.0.113.7/32"], authorizedKeys: [HOST_KEY] },
      });
      assert.equal(config["aws:region"], "ap-northeast-1");
      assert.deepEqual(Object.keys(config["wireguard-mesh:sshAuthoritySeed"] ?? {}), ["secure"]);
    });

    it("requires --admin-cidr, and refuses --host", async () => {
      const nowhere = await run("--ec2", ...key);
      assert.equal(nowhere.exitCode, 2);
      assert.match(nowhere.stderr, /add --admin-cidr ADDRESS\/32/);
      const both = await run(...ec2, ...key, "--host", "root@203.0.113.10");
      assert.equal(both.exitCode, 2);
      assert.match(both.stderr, /either created on EC2 or an existing machine/);
    });

    it("refuses SSH from the whole internet, and writes nothing", async () => {
      const { exitCode, stderr } = await run("--ec2", "--admin-cidr", "0.0.0.0/0", ...key);
      assert.equal(exitCode, 1);
      assert.match(stderr, /0\.0\.0\.0\/0 lets the whole internet try to log in/);
    });
  });
});
