/** The owner of a host: two stacks in two backends, and a lost state. Needs root. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { poll } from "../../../scripts/poll";
import { type CommandResult } from "../../../scripts/lab/process";
import { relay } from "../../../scripts/lab/scenarios/relay";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { setConfig } from "../support/stack-edits";
import { succeeded, openSession, UP, type MeshSession } from "../support/mesh-session";

describe("a host and its owner", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;
  let other: string;

  before(async () => {
    mesh = await meshLab(relay, "test-takeover");
    session = await openSession(mesh);
    succeeded(await session.pulumi(...UP));
    other = `${mesh.stack.name}-other`;
    fs.copyFileSync(mesh.stack.file, otherFile());
  });
  after(async () => {
    fs.rmSync(otherFile(), { force: true });
    await mesh.lab.down();
  });

  const otherFile = (): string => mesh.stack.file.replace(mesh.stack.name, other);

  /** Runs the engine with another backend, whose locks are independent. */
  async function inBackend(name: string, ...args: string[]): Promise<CommandResult> {
    const folder = path.join(mesh.lab.folder.engine, name);
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const env = { PULUMI_BACKEND_URL: `file://${folder}` };
    const argv = ["pulumi", ...args, "--non-interactive"];
    const done = await mesh.lab.exec("operator", argv, { env, timeoutMs: 200_000 });
    session.leaks.add(argv.join(" "), done.stdout + done.stderr);
    return done;
  }

  interface Sessions {
    /** The interface index, which changes at a restart. */
    index: string;
    /** Public key → time of the latest handshake, in seconds since 1970. */
    handshakes: Map<string, number>;
  }

  async function sessions(): Promise<Sessions> {
    const index = await session.on("relay", "cat /sys/class/net/wg0/ifindex");
    const shown = await session.on("relay", "wg show wg0 latest-handshakes");
    const lines = shown.split("\n").map((line) => line.split("\t"));
    return { index, handshakes: new Map(lines.map(([key = "", at]) => [key, Number(at)])) };
  }

  async function assertUninterrupted(before: Sessions): Promise<void> {
    const { index, handshakes } = await sessions();
    assert.equal(index, before.index);
    assert.deepEqual([...handshakes.keys()].sort(), [...before.handshakes.keys()].sort());
    for (const [key, at] of handshakes) {
      // WireGuard renews a session after 120 s (REKEY_AFTER_TIME); nothing else should.
      const since = at - (before.handshakes.get(key) ?? 0);
      assert.ok(since === 0 || since >= 115, `a new handshake after ${since} s`);
    }
  }

  it("F21: accepts one run of its stack at a time: a second one fails at once and names the lock", async () => {
    // Hold the host's lock, so that the first run takes a while.
    const holder = mesh.lab.spawn("relay", [
      "flock",
      "/run/wireguard-mesh.lock/wg0",
      "sleep",
      "20",
    ]);
    setConfig(mesh.stack, ["network", "mtu"], 1400);
    const first = session.pulumi(...UP);
    const locks = path.join(mesh.lab.folder.engine, "backend/.pulumi/locks");
    const locked = await poll(
      () => {
        const files = fs.existsSync(locks) ? fs.readdirSync(locks, { recursive: true }) : [];
        return files.some((file) => String(file).endsWith(".json")) ? true : undefined;
      },
      { limitMs: 20_000, pauseMs: 10 },
    );
    assert.equal(locked, true);
    const second = await session.command("up", "--yes", "--skip-preview", "--json");
    assert.equal(second.code, 1);
    assert.match(second.stdout + second.stderr, /holds the stack's lock[\s\S]*npx pulumi cancel/);
    holder.kill();
    succeeded(await first);
    assert.equal(await session.on("relay", "cat /sys/class/net/wg0/mtu"), "1400");
    fs.copyFileSync(mesh.stack.file, otherFile());
  });

  it("F21: refuses a stack in another backend with the command to take over, and changes nothing", async () => {
    const before = await sessions();
    succeeded(await inBackend("second", "stack", "init", other, "--no-select"));
    const up = await inBackend("second", ...UP, "--stack", other);
    assert.notEqual(up.code, 0);
    const mark = `wireguard-mesh/${mesh.stack.name}`;
    assert.ok(up.stdout.includes(`wg0 here belongs to relay of stack ${mark}`), up.stdout);
    assert.match(up.stdout, /sudo sh \/var\/lib\/wireguard-mesh\/wg0\/host\.sh release wg0/);
    await assertUninterrupted(before);
    assert.match(
      await session.on("relay", "cat /var/lib/wireguard-mesh/wg0/owner"),
      new RegExp(`^${mark}\n`),
    );
  });

  it("F21: is taken over after that command without an interruption, and then refuses its previous owner", async () => {
    const before = await sessions();
    for (const host of ["relay", "desktop", "laptop"]) {
      await session.on(host, "sh /var/lib/wireguard-mesh/wg0/host.sh release wg0");
    }
    succeeded(await inBackend("second", ...UP, "--stack", other));
    await assertUninterrupted(before);
    const status = await session.command("status", "relay");
    assert.match(status.stdout, new RegExp(`wg0 belongs to wireguard-mesh/${other}`));
    const destroyed = await session.pulumi("destroy", "--yes", "--skip-preview");
    succeeded(destroyed);
    assert.match(
      destroyed.stdout,
      new RegExp(`belongs to \\S+ of stack wireguard-mesh/${other}, so it was not touched`),
    );
    await assertUninterrupted(before);
  });

  it("F19: is adopted without a restart by a new stack with the same name and config when the state is lost", async () => {
    const before = await sessions();
    fs.rmSync(path.join(mesh.lab.folder.engine, "second"), { recursive: true });
    succeeded(await inBackend("third", "stack", "init", other, "--no-select"));
    const up = succeeded(await inBackend("third", ...UP, "--stack", other));
    assert.match(up.stdout, /created/);
    await assertUninterrupted(before);
    for (const host of ["relay", "desktop", "laptop"]) {
      assert.equal(await session.on(host, "wg show interfaces"), "wg0");
    }
  });

  it("F19: refuses a new stack with another name, with the command to take over", async () => {
    succeeded(await inBackend("fourth", "stack", "init", mesh.stack.name, "--no-select"));
    const up = await inBackend("fourth", ...UP);
    assert.notEqual(up.code, 0);
    assert.match(up.stdout, /host\.sh release wg0/);
  });

  it("leaks no secret", () => session.leaks.end());
});
