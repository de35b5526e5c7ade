/** Runs the commands of docs/secrets.md unchanged and in order, with the real engine. Needs root. */
import * as assert from "node:assert/strict";
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { findRepository } from "../../scripts/lab/repository";
import { relay } from "../../scripts/lab/scenarios/relay";
import { assertAllNamed, docCommands } from "../support/doc-commands";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { succeeded, openSession, UP, type MeshSession } from "./support/mesh-session";
import { cloneFor, engineFolder } from "./support/page-reader";
import { canPingSoon } from "./support/small-world";
import { setConfig } from "./support/stack-edits";

const PAGE = "secrets.md";
const REPOSITORY = findRepository();
const LOST = path.join(REPOSITORY, "lost.yaml");

type Fields = Record<string, unknown>;
type Config = Record<string, Record<string, Fields>>;

describe("the commands of docs/secrets.md", function () {
  this.timeout(400_000);
  let mesh: MeshLab;
  let session: MeshSession;
  const blocks = docCommands(PAGE);
  const executed = new Set<string>();

  before(async () => {
    mesh = await meshLab(relay, "test-secrets-page", (config) => ({
      ...config,
      peers: { ...config.peers, phone: { address: "10.0.0.4" } },
    }));
    session = await openSession(mesh);
    succeeded(await session.pulumi(...UP));
    // Reached only through the tunnel, to detect a cut tunnel.
    setConfig(mesh.stack, ["peers", "desktop", "host"], "root@via:relay");
    succeeded(await session.pulumi(...UP));
    // Not through `session`, because its output is a secret.
    succeeded(await mesh.lab.exec("operator", ["npx", "wireguard-mesh", "config", "phone"]));
  });
  after(async () => {
    fs.rmSync(LOST, { force: true });
    await mesh.lab.down();
  });

  it("change the passphrase: the new one opens the stack, the old one does not", async () => {
    const previous = fs.readFileSync(passphraseFile(), "utf8");
    const passphrase = newPassphrase();
    await run("change", { NEW_PASSPHRASE: passphrase });
    const again = await inShell("pulumi config --show-secrets", {
      PULUMI_CONFIG_PASSPHRASE: previous,
    });
    assert.notEqual(again.code, 0);
    fs.writeFileSync(passphraseFile(), passphrase);
    await session.leaks.readSecrets();
    succeeded(await session.pulumi("preview", "--expect-no-changes"));
  });

  it("back up the network and restore it on another machine, where up has nothing to do", async () => {
    const backup = engineFolder(mesh.lab, "backup");
    await run("backup", { BACKUP: backup });
    assert.deepEqual(fs.readdirSync(backup).sort(), [path.basename(mesh.stack.file), "state.json"]);
    const elsewhere = cloneFor(mesh.lab);
    const PULUMI_BACKEND_URL = `file://${engineFolder(mesh.lab, "backend-elsewhere")}`;
    await run("restore", { BACKUP: backup, PULUMI_BACKEND_URL }, { from: elsewhere });
  });

  it("F18: restore the network after a lost passphrase: same addresses, and a host that is reached only through the tunnel", async () => {
    const before = nodes();
    const passphrase = newPassphrase();
    // The old passphrase is lost.
    fs.writeFileSync(passphraseFile(), passphrase);
    const lost = await run("lost", { NEW_PASSPHRASE: passphrase, PULUMI_CONFIG_PASSPHRASE: "?" });
    assert.match(lost, /keep the keys that their hosts have: relay, desktop, laptop$/m);
    assert.match(lost, /get new keys, the old ones are lost: phone$/m);
    assert.match(lost, /^ +removed: .*sshPrivateKey/m);
    await run("lost-ssh", { SSH_KEY: mesh.lab.folder.sshKey });
    const up = await run("lost-up", {});
    assert.match(up, /^ {2}npx wireguard-mesh qr phone /m);
    await session.leaks.readSecrets();
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
    const after = nodes();
    for (const [name, { address, publicKey }] of Object.entries(before)) {
      assert.equal(after[name]?.["address"], address, name);
      assert.equal(after[name]?.["publicKey"] === publicKey, name !== "phone", name);
    }
    succeeded(await session.command("status"));
    succeeded(await session.pulumi("preview", "--expect-no-changes"));
  });

  it("then give every node a new key, of which the stack has only the phone's", async () => {
    const before = nodes();
    const rotated = await run("lost-keys", {}, { code: 1 });
    assert.match(rotated, /^ {2}phone: it needs its new config/m);
    await session.leaks.readSecrets();
    await run("lost-finish", {});
    await session.leaks.readSecrets();
    const after = nodes();
    for (const name of ["relay", "desktop", "laptop"])
      assert.notEqual(after[name]?.["publicKey"], before[name]?.["publicKey"], name);
    assert.deepEqual(Object.keys(config()["wireguard-mesh:privateKeys"] ?? {}), ["phone"]);
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
    succeeded(await session.command("status"));
  });

  it("were all run", () => {
    assertAllNamed(PAGE);
    assert.deepEqual([...executed], [...blocks.keys()]);
  });

  it("leaks no secret", () => session.leaks.end());

  /** Runs a block of the page and asserts its exit code. @returns its output */
  async function run(
    name: string,
    env: Record<string, string>,
    { from = REPOSITORY, code = 0 } = {},
  ): Promise<string> {
    executed.add(name);
    const commands = blocks.get(name);
    assert.ok(commands !== undefined, `no block ${name}`);
    const done = await inShell(commands, env, from);
    assert.equal(done.code, code, `${name}: ${done.stdout}${done.stderr}`);
    return done.stdout + done.stderr;
  }

  /** Runs a script like a user with the passphrase in the environment. */
  async function inShell(script: string, env: Record<string, string>, from = REPOSITORY) {
    const settings = {
      PULUMI_CONFIG_PASSPHRASE: fs.readFileSync(passphraseFile(), "utf8"),
      STACK: mesh.stack.name,
      ...env,
    };
    const fullScript = `set -e; cd '${from}'; unset PULUMI_CONFIG_PASSPHRASE_FILE PULUMI_STACK\n${script}`;
    const options = { env: settings, timeoutMs: 390_000 };
    const done = await mesh.lab.exec("operator", ["bash", "-c", fullScript], options);
    session.leaks.add(`output of ${script}`, done.stdout + done.stderr);
    return done;
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
