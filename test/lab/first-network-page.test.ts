/** Runs the commands of docs/first-network.md, add-a-phone.md and take-down.md as a new user would. Needs root. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { findRepository } from "../../scripts/lab/repository";
import { relay } from "../../scripts/lab/scenarios/relay";
import { assertAllNamed, docCommands } from "../support/doc-commands";
import { LeakWatch } from "./support/leak-watch";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { addToAgent, startAgent } from "./support/ssh-agent";
import { formsOfStack, type SecretForms, type StackConfig } from "./support/stack-secrets";

const REPOSITORY = findRepository();
const PASSPHRASE = "a-passphrase-of-this-test";
const FIRST = "first-network.md";
const PHONE = "add-a-phone.md";
const ROTATION = "rotation.md";
const DOWN = "take-down.md";

describe("a new user follows the pages", function () {
  this.timeout(400_000);
  let mesh: MeshLab;
  let leaks: LeakWatch;
  let clone: string;
  let sshConfig: string;
  let environment: Record<string, string>;

  before(async () => {
    // Its own stack stays unused: the user makes one.
    mesh = await meshLab(relay, "test-first-page");
    const home = folder("new-user");
    clone = folder("clone");
    for (const entry of fs.readdirSync(REPOSITORY)) {
      if (/^\.git$|^Pulumi\b.*\.yaml$/.test(entry)) continue;
      fs.symlinkSync(path.join(REPOSITORY, entry), path.join(clone, entry));
    }
    // The engine records which stack is selected by the place of this file.
    fs.copyFileSync(path.join(REPOSITORY, "Pulumi.yaml"), path.join(clone, "Pulumi.yaml"));
    environment = { HOME: home, PULUMI_CONFIG_PASSPHRASE: PASSPHRASE };
    sshConfig = folder("etc-ssh");
    knowHostKeys();
    const socket = path.join(home, "agent");
    environment["SSH_AUTH_SOCK"] = socket;
    await startAgent(mesh.lab, socket);
    await addToAgent(mesh.lab, socket, mesh.lab.folder.sshKey);
    leaks = await LeakWatch.create({ lab: mesh.lab, secrets });
  });
  after(() => mesh.lab.down());

  it("a network of three machines: the laptop reaches the desktop", async () => {
    for (const name of ["state", "describe", "plan", "up", "status"]) await run(FIRST, name);
    const ping = docCommands(FIRST).get("ping") ?? "";
    const pinged = await mesh.lab.exec("laptop", ["sh", "-c", ping]);
    assert.equal(pinged.code, 0, pinged.stdout);
  });

  it("a phone: it has a QR code, and no handshake yet", async () => {
    await run(PHONE, "add");
    assert.match(await run(PHONE, "status"), /^phone +through tokyo +away/m);
  });

  it("a new key for the relay: the phone is missing, and the tunnel works all the time", async () => {
    await leaks.readSecrets();
    assert.match(await run(ROTATION, "rotate", 1), /^ *phone: it needs its new config/m);
    assert.equal((await mesh.lab.exec("laptop", ["ping", "-c", "1", "10.86.0.3"])).code, 0);
  });

  it("leaks no secret", () => leaks.end());

  it("taking it down: no machine has the interface any more", async () => {
    await run(DOWN, "down");
    for (const host of ["relay", "desktop", "laptop"]) {
      const shown = await mesh.lab.exec(host, ["ip", "link", "show", "wg0"]);
      assert.notEqual(shown.code, 0, host);
    }
    assert.equal(fs.existsSync(path.join(clone, "Pulumi.home.yaml")), false);
  });

  it("has no other commands on the pages than those, and those to be run by hand", () => {
    for (const page of [FIRST, PHONE]) assertAllNamed(page);
  });

  /** Runs a block; only what the lab has elsewhere is replaced, and the questions are answered. */
  async function run(page: string, name: string, code = 0): Promise<string> {
    const block = docCommands(page).get(name);
    assert.ok(block !== undefined, `${page} has no block ${name}`);
    const { lab } = mesh;
    const commands = block
      .replaceAll("taro@192.168.1.20", `root@${lab.managementAddress("desktop")}`)
      .replaceAll("--host local", `--host root@${lab.managementAddress("laptop")}`)
      .replaceAll(
        /^(npx wireguard-mesh (up|rotate)\b.*|npx pulumi (destroy|stack rm)\b.*)$/gm,
        "$1 --yes",
      );
    const done = await inClone(commands);
    const output = done.stdout + done.stderr;
    leaks.add(`output of ${page}, ${name}`, name === "add" ? done.stderr : output);
    assert.equal(done.code, code, `${page}, ${name}: ${output}`);
    return output;
  }

  /** As the user, with nothing set but the passphrase and the agent, and with known host keys. */
  function inClone(commands: string) {
    const unset = "unset PULUMI_BACKEND_URL PULUMI_STACK PULUMI_CONFIG_PASSPHRASE_FILE";
    const script = `set -e; cd '${clone}'; ${unset}\n${commands}`;
    const options = { env: environment, timeoutMs: 390_000 };
    const mount = `mount --bind '${sshConfig}' /etc/ssh && exec bash -c "$0"`;
    return mesh.lab.exec("operator", ["unshare", "--mount", "sh", "-c", mount, script], options);
  }

  /** None before the user has a stack. */
  async function secrets(): Promise<SecretForms> {
    if (!fs.existsSync(path.join(clone, "Pulumi.home.yaml"))) return new Map();
    const shown = await inClone("npx pulumi config --stack home --show-secrets --json");
    return formsOfStack(JSON.parse(shown.stdout) as StackConfig);
  }

  function folder(name: string): string {
    const created = path.join(mesh.lab.folder.engine, name);
    fs.mkdirSync(created, { mode: 0o700 });
    return created;
  }

  /** As after a first login to each machine. ssh-keygen(1) looks in root's own home, whatever HOME is, and in /etc/ssh. */
  function knowHostKeys(): void {
    const { lab } = mesh;
    const addresses = {
      "203.0.113.10": "relay",
      [lab.managementAddress("desktop")]: "desktop",
      [lab.managementAddress("laptop")]: "laptop",
    };
    const lines = Object.entries(addresses).map(
      ([address, host]) => `${address} ${lab.hostKey(host)}`,
    );
    fs.cpSync("/etc/ssh", sshConfig, { recursive: true });
    fs.writeFileSync(path.join(sshConfig, "ssh_known_hosts"), `${lines.join("\n")}\n`);
  }
});
