/** What stays of a stack file whose passphrase is lost. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { initCommand } from "../../scripts/commands/init";
import { forgetSecrets, holdsSecrets } from "../../scripts/commands/init/forget-secrets";
import { STACK_FILE } from "./support/network";
import { makeWorkplace, type Workplace } from "./support/workplace";

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
  const remains = forgetSecrets(WITH_MORE, FILE);
  const { config } = parse(remains.text) as File;

  it("keeps every name and address, and the keys that hosts have", () => {
    assert.equal(holdsSecrets(WITH_MORE, FILE), true);
    assert.equal(holdsSecrets(remains.text, FILE), false);
    assert.doesNotMatch(remains.text, /secure|encryptionsalt/);
    const before = (parse(WITH_MORE) as File).config;
    for (const group of ["wireguard-mesh:network", "wireguard-mesh:relays"])
      assert.deepEqual(config[group], before[group]);
    assert.deepEqual(
      config["wireguard-mesh:peers"]?.["laptop"],
      before["wireguard-mesh:peers"]?.["laptop"],
    );
    assert.match(remains.text, /^# Ours\n/);
    assert.match(remains.text, /# Hanako's\n/);
  });

  it("has no key for who is not pushed to, nor a record that it was given its config", () => {
    assert.deepEqual(config["wireguard-mesh:peers"]?.["phone"], {
      address: "10.86.0.4",
      enabled: true,
    });
    assert.deepEqual(config["wireguard-mesh:delivered"], {});
    assert.deepEqual(remains.kept, ["tokyo", "laptop"]);
    assert.deepEqual(remains.keyless, ["phone"]);
  });

  it("names what else is gone", () => {
    assert.deepEqual(remains.gone, [
      "wireguard-mesh:presharedKeySeed",
      "wireguard-mesh:sshPrivateKey",
      "aws:secretKey",
    ]);
  });

  it("leaves a device its own key", () => {
    const own = STACK_FILE.replace("    phone:\n      secure: v1:phone\n", "");
    const { keyless, text } = forgetSecrets(own, FILE);
    assert.deepEqual(keyless, []);
    assert.equal(
      (parse(text) as File).config["wireguard-mesh:peers"]?.["phone"]?.["publicKey"],
      (parse(own) as File).config["wireguard-mesh:peers"]?.["phone"]?.["publicKey"],
    );
  });
});

describe("init --lost-secrets", () => {
  let place: Workplace;
  beforeEach(() => {
    place = makeWorkplace();
    place.write(FILE, WITH_MORE);
  });
  afterEach(() => {
    place.remove();
  });
  const init = (...args: string[]) =>
    place.run([initCommand()], "init", "--stack", "home", ...args);

  it("makes the stack anew, with a key for who has none and another seed", async () => {
    const { exitCode, stderr } = await init("--lost-secrets");
    assert.equal(exitCode, 0, stderr);
    const { config } = parse(place.read(FILE)) as File;
    assert.deepEqual(Object.keys(config["wireguard-mesh:privateKeys"] ?? {}), ["phone"]);
    assert.ok(config["wireguard-mesh:peers"]?.["phone"]?.["publicKey"]);
    assert.match(place.read(FILE), /^ {2}wireguard-mesh:presharedKeySeed:\n {4}secure: v1:sealed/m);
    assert.match(stderr, /encrypted with your passphrase/);
  });

  it("touches nothing while the state of the lost stack is there", async () => {
    place.write("bin/stacks", '[{"name":"home"}]');
    const { exitCode, stderr } = await init("--lost-secrets");
    assert.equal(exitCode, 1);
    assert.match(stderr, /pulumi stack rm home --force --preserve-config --yes/);
    assert.equal(place.read(FILE), WITH_MORE);
  });

  it("does not change who encrypts a stack that is there", async () => {
    place.write("bin/stacks", '[{"name":"home"}]');
    const { exitCode, stderr } = await init("--secrets-provider", "awskms://alias/mesh");
    assert.equal(exitCode, 1);
    assert.match(
      stderr,
      /pulumi stack change-secrets-provider --stack home "awskms:\/\/alias\/mesh"/,
    );
  });
});
