/** Runs the commands of docs/first-network.md, add-a-phone.md and take-down.md as a new user would. Needs root. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { relay } from "../../scripts/lab/scenarios/relay";
import { assertAllNamed, docCommands } from "../support/doc-commands";
import { LeakWatch } from "./support/leak-watch";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { PageReader } from "./support/page-reader";
import { formsOfStack, type SecretForms, type StackConfig } from "./support/stack-secrets";

const PASSPHRASE = "a-passphrase-of-this-test";
const FIRST = "first-network.md";
const PHONE = "add-a-phone.md";
const ROTATION = "rotation.md";
const DOWN = "take-down.md";

describe("a new user follows the pages", function () {
  this.timeout(400_000);
  let mesh: MeshLab;
  let leaks: LeakWatch;
  let reader: PageReader;

  before(async () => {
    // Its own stack stays unused: the user makes one.
    mesh = await meshLab(relay, "test-first-page");
    // Nothing is set but the passphrase and the agent.
    reader = await PageReader.of(
      mesh.lab,
      {
        "203.0.113.10": "relay",
        [mesh.lab.managementAddress("desktop")]: "desktop",
        [mesh.lab.managementAddress("laptop")]: "laptop",
      },
      {
        environment: { PULUMI_CONFIG_PASSPHRASE: PASSPHRASE },
        unset: ["PULUMI_BACKEND_URL", "PULUMI_STACK", "PULUMI_CONFIG_PASSPHRASE_FILE"],
      },
    );
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

  it("a new key for the relay: the phone is named as missing, and the laptop reaches the desktop afterwards", async () => {
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
    assert.equal(fs.existsSync(path.join(reader.clone, "Pulumi.home.yaml")), false);
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
    const done = await reader.run(commands);
    const output = done.stdout + done.stderr;
    leaks.add(`output of ${page}, ${name}`, name === "add" ? done.stderr : output);
    assert.equal(done.code, code, `${page}, ${name}: ${output}`);
    return output;
  }

  /** None before the user has a stack. */
  async function secrets(): Promise<SecretForms> {
    if (!fs.existsSync(path.join(reader.clone, "Pulumi.home.yaml"))) return new Map();
    const shown = await reader.run("npx pulumi config --stack home --show-secrets --json");
    return formsOfStack(JSON.parse(shown.stdout) as StackConfig);
  }
});
