/** `ssh` and `ssh-config`: into a node by the first way that works, with the pinned keys only. Needs root. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { relay } from "../../scripts/lab/scenarios/relay";
import { namespaceOf } from "../../scripts/lab/layout";
import type { CommandResult } from "../../scripts/lab/process";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { openSession, succeeded, UP, type MeshSession } from "./support/mesh-session";
import { setConfig } from "./support/stack-edits";

const PROGRAM = "dist/scripts/wireguard-mesh.js";
const VIA_RELAY = "root@10.0.0.2 via root@203.0.113.10";
/** An address where nothing answers. */
const HOME = "root@203.0.113.99";
const OTHER_KEY =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC0u/c0cKBZlaUOiuGdIdumBH6c+PelQ0oCseqBOfKX3";

describe("ssh to a node", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;
  let direct: string;

  before(async () => {
    mesh = await meshLab(relay, "test-ssh");
    session = await openSession(mesh);
    succeeded(await session.pulumi(...UP));
    direct = `root@${mesh.lab.managementAddress("desktop")}`;
  });
  after(() => mesh.lab.down());
  beforeEach(() => {
    hosts(direct, "root@via:relay");
  });

  function hosts(...all: string[]): void {
    setConfig(mesh.stack, ["peers", "desktop", "host"], all);
  }

  /** In a shell on the operator, so that stdin can be piped. */
  async function shell(script: string, env: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
    const done = await mesh.lab.exec("operator", ["sh", "-c", script], { env });
    session.leaks.add(script, done.stdout + done.stderr);
    return done;
  }

  it("gives a command its streams and its exit code, and prints nothing itself", async () => {
    const script = `echo in | node ${PROGRAM} ssh desktop 'cat; hostname >&2; exit 7'`;
    const { code, stdout, stderr } = await shell(script);
    assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: "in\n", stderr: "desktop\n" });
  });

  it("passes options and arguments after the node to the command there, as ssh does", async () => {
    const shown = succeeded(await session.command("ssh", "desktop", "echo", "--json", "$HOME"));
    assert.equal(shown.stdout, "--json /root\n");
    const dashed = await session.command("ssh", "desktop", "--", "echo", "--");
    assert.equal(succeeded(dashed).stdout, "--\n");
  });

  it("has a terminal for a login, and for a command with -t", async () => {
    const inTerminal = (args: string) => `script -qec "node ${PROGRAM} ssh ${args}" /dev/null`;
    const tty = succeeded(await shell(inTerminal("-t desktop 'test -t 0 && stty size'")));
    assert.match(tty.stdout, /\d+ \d+\r\n/);
    const login = await shell(`echo 'hostname; exit 3' | ${inTerminal("desktop")}`);
    assert.match(login.stdout, /^desktop\r$/m);
    assert.equal(login.code, 3);
  });

  it("goes through the relay within seconds where the first way is dead, and says so", async () => {
    hosts(HOME, "root@via:relay");
    const begun = performance.now();
    const { code, stdout, stderr } = await session.command("ssh", "desktop", "hostname");
    const seconds = (performance.now() - begun) / 1000;
    assert.deepEqual([code, stdout], [0, "desktop\n"], stderr);
    const text = stderr.replaceAll(/\s+/g, " ");
    assert.ok(text.startsWith("desktop: ") && text.includes(`; trying ${VIA_RELAY}`), stderr);
    // Three of them for the dead way; the rest is for a busy machine.
    assert.ok(seconds < 15, `${seconds} s`);
  });

  it("tries a way that host does not name: through the relay", async () => {
    hosts(HOME);
    const { code, stdout, stderr } = await session.command("ssh", "desktop", "hostname");
    assert.deepEqual([code, stdout], [0, "desktop\n"], stderr);
    const listed = succeeded(await session.command("ssh", "--json", "desktop"));
    assert.deepEqual(JSON.parse(listed.stdout), {
      node: "desktop",
      ways: [HOME, VIA_RELAY, "root@10.0.0.2"],
    });
  });

  it("uses the tunnel itself on a machine of the network, with the user's own key", async () => {
    hosts(HOME, "root@via:relay");
    // The laptop's network, with the operator's files.
    const inside = `ip netns exec ${namespaceOf(mesh.lab.id, "laptop")}`;
    const agent = `ssh-add -q ${mesh.lab.folder.sshKey} && ${inside} node ${PROGRAM} ssh --own-keys -v desktop hostname`;
    const done = await shell(`ssh-agent sh -c '${agent}'`);
    assert.deepEqual([done.code, done.stdout], [0, "desktop\n"], done.stderr);
    assert.match(done.stderr, /trying\s+root@10\.0\.0\.2\n$/);
  });

  it("tries the next way where another machine answers, and exits with 255 where no way works", async () => {
    hosts(`root@${mesh.lab.managementAddress("relay")}`, direct);
    const next = await session.command("ssh", "desktop", "hostname");
    assert.deepEqual([next.code, next.stdout], [0, "desktop\n"], next.stderr);
    assert.match(next.stderr, /shows another SSH host key than the pinned/);
    const pinned = mesh.lab.hostKey("desktop");
    setConfig(mesh.stack, ["peers", "desktop", "hostKey"], OTHER_KEY);
    const before = mesh.lab.logins("desktop");
    const refused = await session.command("ssh", "desktop", "hostname");
    setConfig(mesh.stack, ["peers", "desktop", "hostKey"], pinned);
    assert.deepEqual([refused.code, refused.stdout], [255, ""]);
    assert.match(refused.stderr, /cannot be reached/);
    assert.equal(mesh.lab.logins("desktop"), before);
  });

  it("lists the nodes, and says what a device lacks, with exit code 2", async () => {
    const unknown = await session.command("ssh", "desktpo");
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /its nodes: desktop, laptop, relay/);
  });

  describe("with ssh-config", () => {
    let folder: string;
    const run = (args: string) => `-F ${folder}/config ${args}`;
    before(async () => {
      hosts(HOME, "root@via:relay");
      folder = path.join(mesh.lab.folder.root, "ssh-config");
      const made = await session.command(
        ...["ssh-config", "--out", folder, "--identity", mesh.lab.folder.sshKey],
      );
      succeeded(made);
      assert.ok(made.stdout.includes(`Include ${folder}/config`));
    });

    it("ssh and scp reach the host through its relay, by the pinned keys", async () => {
      const ssh = succeeded(await shell(`ssh ${run("desktop hostname")}`));
      assert.equal(ssh.stdout, "desktop\n");
      const copy = `scp -q ${run("desktop:/etc/hostname")} ${folder}/copied && cat ${folder}/copied`;
      succeeded(await shell(copy));
    });

    it("takes the direct way while the right machine answers there", async () => {
      hosts(`root@${mesh.lab.managementAddress("relay")}`, direct, "root@via:relay");
      succeeded(await session.command("ssh-config", "--out", folder));
      const output = succeeded(await shell(`ssh ${run("-G desktop")}`));
      assert.ok(
        output.stdout.includes(`hostname ${direct.slice("root@".length)}\n`),
        output.stdout,
      );
    });

    it("refuses another key than the pinned one, and works from stdout alone", async () => {
      const file = path.join(folder, "printed");
      const identity = `--identity ${mesh.lab.folder.sshKey}`;
      succeeded(await shell(`node ${PROGRAM} ssh-config ${identity} >${file}`));
      const ssh = `ssh -F ${file} desktop hostname`;
      assert.equal(succeeded(await shell(ssh)).stdout, "desktop\n");
      const text = fs.readFileSync(file, "utf8");
      fs.writeFileSync(file, text.replaceAll(mesh.lab.hostKey("desktop"), OTHER_KEY));
      const refused = await shell(ssh);
      assert.equal(refused.code, 255);
      assert.match(refused.stderr, /Host key verification failed/);
    });

    it("prints the command that adds the stack's own key to the user's agent, which then works", async () => {
      const made = succeeded(await session.command("ssh-config", "--out", folder));
      const remedy = /pulumi config get \S+ \| ssh-add -$/m.exec(made.stderr.replace("\n  ", " "));
      assert.ok(remedy !== null, made.stderr);
      const script = `(${remedy[0]}) 2>/dev/null && ssh ${run("desktop hostname")}`;
      assert.equal(succeeded(await shell(`ssh-agent sh -c '${script}'`)).stdout, "desktop\n");
    });

    it("overwrites no file of the user's", async () => {
      const own = path.join(folder, "own");
      fs.mkdirSync(own);
      fs.writeFileSync(path.join(own, "known_hosts"), "mine\n");
      const refused = await session.command("ssh-config", "--out", own);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /is not of ssh-config; nothing was written/);
      assert.deepEqual(fs.readdirSync(own), ["known_hosts"]);
    });
  });

  it("leaves no process and no file when it is killed", async () => {
    // Of this command alone: other tests run at the same time.
    const temporary = path.join(mesh.lab.folder.root, "tmp");
    fs.mkdirSync(temporary);
    const argv = ["node", PROGRAM, "ssh", "desktop", "echo up; exec sleep 40"];
    const child = mesh.lab.spawn("operator", argv, {
      stdio: ["ignore", "pipe", "ignore"],
      env: { TMPDIR: temporary },
    });
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    const left = `ls ${temporary} | grep ^wireguard-mesh-; pgrep -f 'ssh -[E] ${temporary}/'`;
    assert.match((await shell(left)).stdout, /^wireguard-mesh-\S+\n\d+\n$/);
    child.kill("SIGTERM");
    await new Promise((resolve) => child.once("exit", resolve));
    assert.equal((await shell(left)).stdout, "");
  });

  describe("afterwards", () => {
    it("has leaked no secret", () => session.leaks.end());
  });
});
