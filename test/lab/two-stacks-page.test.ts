/** Runs the commands of docs/two-stacks.md as two teams would, each with its own stack. Needs root. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { relay } from "../../scripts/lab/scenarios/relay";
import { assertAllNamed, docCommands } from "../support/doc-commands";
import { LeakWatch } from "./support/leak-watch";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { PageReader } from "./support/page-reader";
import { canPingSoon } from "./support/small-world";
import { formsOfStack, type SecretForms, type StackConfig } from "./support/stack-secrets";

const PAGE = "two-stacks.md";
const STACKS = ["relays", "apps"] as const;
/** The lab's desktop is the page's `web`, its laptop a peer that joins later. */
const [WEB, DB] = ["desktop", "laptop"];

describe("two teams with a stack each follow the page", function () {
  this.timeout(400_000);
  this.bail(true);
  let mesh: MeshLab;
  let leaks: LeakWatch;
  let reader: PageReader;
  const executed = new Set<string>();

  before(async () => {
    // Its own stack stays unused: the teams make theirs.
    mesh = await meshLab(relay, "test-two-stacks-page");
    reader = await PageReader.of(
      mesh.lab,
      {
        "203.0.113.10": "relay",
        [mesh.lab.managementAddress(WEB)]: WEB,
        [mesh.lab.managementAddress(DB)]: DB,
      },
      { unset: ["PULUMI_STACK"] },
    );
    leaks = await LeakWatch.create({ lab: mesh.lab, secrets });
  });
  after(() => mesh.lab.down());

  it("make their stacks: that of the apps has only the facts of the relay", async () => {
    await run("relays");
    await run("apps");
    await leaks.readSecrets();
    const facts = await reader.run("npx pulumi stack output relays --stack relays");
    const known = await reader.run("npx pulumi config get --stack apps wireguard-mesh:relays");
    assert.deepEqual(JSON.parse(known.stdout), JSON.parse(facts.stdout));
    assert.deepEqual(await namesOfKeys(), { relays: ["phone", "tokyo"], apps: ["web"] });
  });

  it("let a peer join: one up each, each pushes to its own machine", async () => {
    const before = logins();
    await run("join");
    assert.equal(await canPingSoon(mesh.lab, WEB, "10.86.0.1"), true);
    assert.deepEqual(loginsSince(before), { relay: 2, [WEB]: 2, [DB]: 0 });
    await run("delivered");
    await assertNothingToDo();
  });

  it("let another one join, which reaches the first through the relay", async () => {
    const before = logins();
    await shell(
      block("apps").split("\n").at(-2)?.replace("web", "db").replace("0.65", "0.66") ?? "",
      DB,
    );
    await shell(block("join").replaceAll("web", "db").replaceAll("0.65", "0.66"));
    assert.equal(await canPingSoon(mesh.lab, DB, "10.86.0.65"), true);
    assert.equal(await canPingSoon(mesh.lab, WEB, "10.86.0.66"), true);
    assert.deepEqual(loginsSince(before), { relay: 2, [WEB]: 0, [DB]: 2 });
    await assertNothingToDo();
  });

  it("get an error from the relay's stack for an address that is taken", async () => {
    const key = "0000000000000000000000000000000000000000000=";
    const taken = `npx wireguard-mesh add-peer other --stack relays --address 10.86.0.66 --public-key ${key}`;
    const refused = await reader.run(taken);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stdout + refused.stderr, /10\.86\.0\.66 is .*db/);
  });

  it("have preshared keys once both have the same seed", async () => {
    await run("seed");
    await leaks.readSecrets();
    assert.equal(await canPingSoon(mesh.lab, DB, "10.86.0.65"), true);
    const keys = await mesh.lab.exec("relay", ["wg", "show", "wg0", "preshared-keys"]);
    assert.equal(keys.stdout.trim().split("\n").length, 3);
    assert.doesNotMatch(keys.stdout, /none/);
    await assertNothingToDo();
  });

  it("leave nothing on the other's machine when one takes its part down", async () => {
    await shell("npx pulumi destroy --stack apps --yes --skip-preview --continue-on-error");
    assert.equal((await mesh.lab.exec(WEB, ["ip", "link", "show", "wg0"])).code, 1);
    assert.equal((await mesh.lab.exec("relay", ["ip", "link", "show", "wg0"])).code, 0);
  });

  it("have no other commands on the page", () => {
    assertAllNamed(PAGE);
    assert.deepEqual([...executed], [...docCommands(PAGE).keys()]);
  });

  it("leaks no secret", () => leaks.end());

  async function assertNothingToDo(): Promise<void> {
    const before = logins();
    for (const stack of STACKS) {
      await shell(`npx pulumi preview --stack ${stack} --expect-no-changes`);
      await shell(`npx pulumi up --stack ${stack} --yes --skip-preview`);
    }
    assert.deepEqual(loginsSince(before), { relay: 0, [WEB]: 0, [DB]: 0 });
  }

  function block(name: string): string {
    const commands = docCommands(PAGE).get(name);
    assert.ok(commands !== undefined, `no block ${name}`);
    return commands;
  }

  function run(name: string): Promise<string> {
    executed.add(name);
    return shell(block(name));
  }

  /** Runs commands of the page; only what the lab has elsewhere is replaced, and the questions are answered. */
  async function shell(commands: string, host = WEB): Promise<string> {
    const done = await reader.run(
      commands
        .replaceAll("root@192.168.1.20", `root@${mesh.lab.managementAddress(host)}`)
        .replaceAll(/^(npx wireguard-mesh up\b.*)$/gm, "$1 --yes"),
    );
    const output = done.stdout + done.stderr;
    leaks.add(`output of ${commands}`, output);
    assert.equal(done.code, 0, `${commands}: ${output}`);
    return done.stdout;
  }

  /** The nodes whose private keys a stack has. */
  async function namesOfKeys(): Promise<Record<string, string[]>> {
    const names: Record<string, string[]> = {};
    for (const stack of STACKS) {
      const argv = `npx pulumi config get --stack ${stack} wireguard-mesh:privateKeys`;
      names[stack] = Object.keys(JSON.parse((await reader.run(argv)).stdout) as object).sort();
    }
    return names;
  }

  async function secrets(): Promise<SecretForms> {
    const forms: SecretForms = new Map();
    for (const stack of STACKS) {
      if (!fs.existsSync(path.join(reader.clone, `Pulumi.${stack}.yaml`))) continue;
      const shown = await reader.run(`npx pulumi config --stack ${stack} --show-secrets --json`);
      for (const [form, name] of formsOfStack(JSON.parse(shown.stdout) as StackConfig))
        forms.set(form, `${stack}: ${name}`);
    }
    return forms;
  }

  function logins(): Record<string, number> {
    return Object.fromEntries(mesh.lab.hosts.map((host) => [host, mesh.lab.logins(host)]));
  }

  function loginsSince(before: Record<string, number>): Record<string, number> {
    return Object.fromEntries(
      Object.entries(logins()).map(([host, count]) => [host, count - (before[host] ?? 0)]),
    );
  }
});
