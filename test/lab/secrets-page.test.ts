/** The commands of docs/secrets.md, taken from the page and run as they stand there, in their order. Real engine, sshd, WireGuard. Needs root. */
import * as assert from "node:assert/strict";
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { findRepository } from "../../scripts/lab/repository";
import { relay } from "../../scripts/lab/scenarios/relay";
import { assertAllNamed, docCommands } from "../support/doc-commands";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { succeeded, talkTo, UP, type Talk } from "./support/mesh-talk";
import { comesToAnswer } from "./support/small-world";
import { setConfig } from "./support/stack-edits";

const PAGE = "secrets.md";
const REPOSITORY = findRepository();
const LOST = path.join(REPOSITORY, "lost.yaml");

type Fields = Record<string, unknown>;
type Config = Record<string, Record<string, Fields>>;

describe("docs/secrets.md, run", function () {
  this.timeout(400_000);
  let mesh: MeshLab;
  let talk: Talk;
  const blocks = docCommands(PAGE);
  const tried = new Set<string>();

  before(async () => {
    mesh = await meshLab(relay, "test-secrets-page", (config) => ({
      ...config,
      peers: { ...config.peers, phone: { address: "10.0.0.4" } },
    }));
    talk = await talkTo(mesh);
    succeeded(await talk.pulumi(...UP));
    // From now on its only way in is the tunnel: who cuts that, cuts it off.
    setConfig(mesh.stack, ["peers", "desktop", "host"], "root@via:relay");
    succeeded(await talk.pulumi(...UP));
    // Not by `talk`, for what it prints is a secret.
    succeeded(await mesh.lab.exec("operator", ["npx", "wireguard-mesh", "config", "phone"]));
  });
  after(async () => {
    fs.rmSync(LOST, { force: true });
    await mesh.lab.down();
  });

  it("changes the passphrase: the new one opens the stack, the former one no more", async () => {
    const former = fs.readFileSync(passphraseFile(), "utf8");
    const passphrase = newPassphrase();
    await run("change", { NEW_PASSPHRASE: passphrase });
    const again = await inShell("pulumi config --show-secrets", {
      PULUMI_CONFIG_PASSPHRASE: former,
    });
    assert.notEqual(again.code, 0);
    fs.writeFileSync(passphraseFile(), passphrase);
    await talk.leaks.learn();
    succeeded(await talk.pulumi("preview", "--expect-no-changes"));
  });

  it("backs the network up and brings it back on another machine, where nothing is to be done", async () => {
    const backup = folder("backup");
    await run("backup", { BACKUP: backup });
    assert.deepEqual(fs.readdirSync(backup).sort(), [path.basename(mesh.stack.file), "state.json"]);
    const elsewhere = clone();
    const PULUMI_BACKEND_URL = `file://${folder("backend-elsewhere")}`;
    await run("restore", { BACKUP: backup, PULUMI_BACKEND_URL }, { from: elsewhere });
  });

  it("F18: has the network back after the passphrase was lost: with its addresses, and with a host that only the tunnel leads to", async () => {
    const before = nodes();
    const passphrase = newPassphrase();
    // Nobody knows it any more.
    fs.writeFileSync(passphraseFile(), passphrase);
    const lost = await run("lost", { NEW_PASSPHRASE: passphrase, PULUMI_CONFIG_PASSPHRASE: "?" });
    assert.match(lost, /keep the keys that their hosts have: relay, desktop, laptop$/m);
    assert.match(lost, /get new keys, the old ones are lost: phone$/m);
    assert.match(lost, /^ +removed: .*sshPrivateKey/m);
    await run("lost-ssh", { SSH_KEY: mesh.lab.folder.sshKey });
    const up = await run("lost-up", {});
    assert.match(up, /^ {2}npx wireguard-mesh qr phone /m);
    await talk.leaks.learn();
    assert.equal(await comesToAnswer(mesh.lab, "laptop", "10.0.0.2"), true);
    const after = nodes();
    for (const [name, { address, publicKey }] of Object.entries(before)) {
      assert.equal(after[name]?.["address"], address, name);
      assert.equal(after[name]?.["publicKey"] === publicKey, name !== "phone", name);
    }
    succeeded(await talk.command("status"));
    succeeded(await talk.pulumi("preview", "--expect-no-changes"));
  });

  it("gives everyone a new key then, of which the stack holds none but the phone's", async () => {
    const before = nodes();
    const rotated = await run("lost-keys", {}, { code: 1 });
    assert.match(rotated, /^ {2}phone: it needs its new config/m);
    await talk.leaks.learn();
    await run("lost-finish", {});
    await talk.leaks.learn();
    const after = nodes();
    for (const name of ["relay", "desktop", "laptop"])
      assert.notEqual(after[name]?.["publicKey"], before[name]?.["publicKey"], name);
    assert.deepEqual(Object.keys(config()["wireguard-mesh:privateKeys"] ?? {}), ["phone"]);
    assert.equal(await comesToAnswer(mesh.lab, "laptop", "10.0.0.2"), true);
    succeeded(await talk.command("status"));
  });

  it("was run to the last command", () => {
    assertAllNamed(PAGE);
    assert.deepEqual([...tried], [...blocks.keys()]);
  });

  it("has shown no secret anywhere", () => talk.leaks.end());

  /** A block of the page, which must succeed, each command of it; what they printed. */
  async function run(
    name: string,
    env: Record<string, string>,
    { from = REPOSITORY, code = 0 } = {},
  ): Promise<string> {
    tried.add(name);
    const commands = blocks.get(name);
    assert.ok(commands !== undefined, `no block ${name}`);
    const done = await inShell(commands, env, from);
    assert.equal(done.code, code, `${name}: ${done.stdout}${done.stderr}`);
    return done.stdout + done.stderr;
  }

  /** As a user with the passphrase in the environment. */
  async function inShell(script: string, env: Record<string, string>, from = REPOSITORY) {
    const settings = {
      PULUMI_CONFIG_PASSPHRASE: fs.readFileSync(passphraseFile(), "utf8"),
      STACK: mesh.stack.name,
      ...env,
    };
    const whole = `set -e; cd '${from}'; unset PULUMI_CONFIG_PASSPHRASE_FILE PULUMI_STACK\n${script}`;
    const options = { env: settings, timeoutMs: 390_000 };
    const done = await mesh.lab.exec("operator", ["bash", "-c", whole], options);
    talk.leaks.read(`output of ${script}`, done.stdout + done.stderr);
    return done;
  }

  function folder(name: string): string {
    const made = path.join(mesh.lab.folder.engine, name);
    fs.mkdirSync(made, { mode: 0o700 });
    return made;
  }

  /** The repository as on another machine: without its stacks' files. */
  function clone(): string {
    const place = folder("clone");
    for (const entry of fs.readdirSync(REPOSITORY)) {
      if (/^\.git$|^Pulumi\..*\.yaml$/.test(entry)) continue;
      fs.symlinkSync(path.join(REPOSITORY, entry), path.join(place, entry));
    }
    return place;
  }

  function passphraseFile(): string {
    return path.join(mesh.lab.folder.engine, "passphrase");
  }

  function config(): Config {
    return (parse(fs.readFileSync(mesh.stack.file, "utf8")) as { config: Config }).config;
  }

  function nodes(): Record<string, Fields> {
    return { ...config()["wireguard-mesh:relays"], ...config()["wireguard-mesh:peers"] };
  }
});

function newPassphrase(): string {
  return crypto.randomBytes(24).toString("base64");
}
