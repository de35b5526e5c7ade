/** A stack file whose passphrase is lost: what is removed from it, and what is kept. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { initCommand } from "../../scripts/commands/init";
import { removeSecrets, hasSecrets } from "../../scripts/stack/remove-secrets";
import { STACK_FILE } from "./support/network";
import { projectOfEachTest } from "./support/test-project";

const FILE = "Pulumi.home.yaml";
const WITH_MORE = `${STACK_FILE}  wireguard-mesh:presharedKeySeed: { secure: v1:seed }
  wireguard-mesh:sshPrivateKey: { secure: v1:ssh }
  wireguard-mesh:delivered: { phone: { config: 0123456789abcdef, knows: {} } }
  aws:secretKey: { secure: v1:aws }
  aws:region: ap-northeast-1
`;

interface File {
  config: Record<string, Record<string, Record<string, unknown>>>;
}

describe("a stack file whose passphrase is lost", () => {
  const stripped = removeSecrets(WITH_MORE, FILE);
  const { config } = parse(stripped.text) as File;

  it("keeps every name and address, and the keys of nodes with a host", () => {
    assert.equal(hasSecrets(WITH_MORE, FILE), true);
    assert.equal(hasSecrets(stripped.text, FILE), false);
    assert.doesNotMatch(stripped.text, /secure|encryptionsalt/);
    const before = (parse(WITH_MORE) as File).config;
    for (const group of ["wireguard-mesh:network", "wireguard-mesh:relays"])
      assert.deepEqual(config[group], before[group]);
    assert.deepEqual(
      config["wireguard-mesh:peers"]?.["laptop"],
      before["wireguard-mesh:peers"]?.["laptop"],
    );
    assert.match(stripped.text, /^# Test network\n/);
    assert.match(stripped.text, /# Hanako's\n/);
  });

  it("loses the keys of devices, and the records of delivered configs", () => {
    assert.deepEqual(config["wireguard-mesh:peers"]?.["phone"], {
      address: "10.86.0.4",
      enabled: true,
    });
    assert.deepEqual(config["wireguard-mesh:delivered"], {});
    assert.deepEqual(stripped.kept, ["tokyo", "laptop"]);
    assert.deepEqual(stripped.keyless, ["phone"]);
  });

  it("names the other config keys that were removed", () => {
    assert.deepEqual(stripped.removed, [
      "wireguard-mesh:presharedKeySeed",
      "wireguard-mesh:sshPrivateKey",
      "aws:secretKey",
    ]);
  });

  it("keeps the public key of a device with its own private key", () => {
    const own = STACK_FILE.replace("    phone:\n      secure: v1:phone\n", "");
    const { keyless, text } = removeSecrets(own, FILE);
    assert.deepEqual(keyless, []);
    assert.equal(
      (parse(text) as File).config["wireguard-mesh:peers"]?.["phone"]?.["publicKey"],
      (parse(own) as File).config["wireguard-mesh:peers"]?.["phone"]?.["publicKey"],
    );
  });
});

describe("init --lost-secrets", () => {
  const project = projectOfEachTest({ [FILE]: WITH_MORE });
  const init = (...args: string[]) =>
    project.run([initCommand()], "init", "--stack", "home", ...args);

  it("creates the stack again, with new keys for devices and a new seed", async () => {
    const { exitCode, stderr } = await init("--lost-secrets");
    assert.equal(exitCode, 0, stderr);
    const { config } = parse(project.read(FILE)) as File;
    assert.deepEqual(Object.keys(config["wireguard-mesh:privateKeys"] ?? {}), ["phone"]);
    assert.ok(config["wireguard-mesh:peers"]?.["phone"]?.["publicKey"]);
    assert.match(
      project.read(FILE),
      /^ {2}wireguard-mesh:presharedKeySeed:\n {4}secure: v1:sealed/m,
    );
    assert.match(stderr, /encrypted with your passphrase/);
  });

  it("changes nothing while the stack still exists", async () => {
    project.write("bin/stacks", '[{"name":"home"}]');
    const { exitCode, stderr } = await init("--lost-secrets");
    assert.equal(exitCode, 1);
    assert.match(stderr, /pulumi stack rm home --force --preserve-config --yes/);
    assert.equal(project.read(FILE), WITH_MORE);
  });

  it("does not change the secrets provider of an existing stack", async () => {
    project.write("bin/stacks", '[{"name":"home"}]');
    const { exitCode, stderr } = await init("--secrets-provider", "awskms://alias/mesh");
    assert.equal(exitCode, 1);
    assert.match(
      stderr,
      /pulumi stack change-secrets-provider --stack home "awskms:\/\/alias\/mesh"/,
    );
  });
});
