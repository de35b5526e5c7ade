/** The SSH logins of a push: how many, which host keys it trusts, and its errors. Needs root. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import type { PushRequest, PushResult } from "../../mesh/push-request";
import { Lab } from "../../scripts/lab/lab";
import { REACH_MS, REMOVE_REACH_MS } from "../../scripts/push/limits";
import { assertWithin } from "../support/time-limits";
import type { CommandResult } from "../../scripts/lab/process";
import { LeakWatch } from "./support/leak-watch";
import { hop, managed, push, PUSH_WORLD, requestFor } from "./support/pushing";
import { waitForLog } from "./support/small-world";

describe("a push to a host", function () {
  this.timeout(120_000);
  let lab: Lab;
  let leaks: LeakWatch;
  before(async () => {
    lab = await Lab.up(PUSH_WORLD, { id: "test-push-login" });
    leaks = await LeakWatch.forPushes(lab);
  });
  after(() => lab.down());

  /** Pushes. @returns the number of logins and the result */
  async function countLogins(node: string, request: PushRequest): Promise<[number, CommandResult]> {
    const before = lab.logins(node);
    const finished = await push(lab, "apply", request);
    return [lab.logins(node) - before, finished];
  }

  function resultOf({ stdout, stderr }: CommandResult): PushResult {
    assert.match(stdout, /^\{.*\}\n$/, stderr);
    return JSON.parse(stdout) as PushResult;
  }

  describe("that is reachable", () => {
    it("logs in twice to change something and once if nothing changes", async () => {
      const request = requestFor(lab, "relay");
      const [first, applied] = await countLogins("relay", request);
      assert.equal(resultOf(applied).outcome, "applied");
      const [second, unchanged] = await countLogins("relay", request);
      assert.equal(resultOf(unchanged).outcome, "unchanged");
      assert.deepEqual([first, second], [2, 1]);
      assert.equal(resultOf(applied).digest, resultOf(unchanged).digest);
      assert.equal(resultOf(applied).through, "root@172.29.0.10");
      const live = fs.statSync(lab.fileOf("relay", "/etc/wireguard/wg0.conf"));
      assert.equal(live.mode & 0o777, 0o600);
    });

    it("tries its targets in order and reports the one that it used", async () => {
      const desktop = hop(lab, "desktop", "203.0.113.21", 2222);
      const request = requestFor(lab, "desktop", {
        targets: [
          { kind: "ssh", hop: hop(lab, "desktop", "203.0.113.21", 2223), via: [] },
          { kind: "ssh", hop: desktop, via: [hop(lab, "relay", "203.0.113.10")] },
          managed(lab, "desktop"),
        ],
      });
      const [logins, finished] = await countLogins("desktop", request);
      assert.equal(resultOf(finished).through, "root@203.0.113.21:2222 via root@203.0.113.10");
      assert.equal(logins, 2);
    });

    it("goes through any number of jumps, each with its own pinned key", async () => {
      const relay = hop(lab, "relay", "203.0.113.10");
      const desktop = hop(lab, "desktop", "203.0.113.21", 2222);
      const via = [relay, desktop, relay, desktop];
      const request = requestFor(lab, "relay", { targets: [{ kind: "ssh", hop: relay, via }] });
      const finished = await push(lab, "apply", request);
      assert.equal(resultOf(finished).outcome, "unchanged");
    });

    it("tries the next target when another machine answers at the first", async () => {
      // As in a café, where 192.168.1.20 is another machine: nothing is sent there.
      const elsewhere = hop(lab, "relay", lab.managementAddress("desktop"));
      const request = requestFor(lab, "relay", {
        targets: [{ kind: "ssh", hop: elsewhere, via: [] }, managed(lab, "relay")],
      });
      const [logins, finished] = await countLogins("desktop", request);
      assert.equal(resultOf(finished).through, "root@172.29.0.10");
      assert.equal(logins, 0);
    });
  });

  describe("with a wrong key", () => {
    /** Asserts that a push fails without a login. @returns its stderr */
    async function refused(node: string, change: Partial<PushRequest>): Promise<string> {
      const [logins, finished] = await countLogins(node, requestFor(lab, node, change));
      assert.deepEqual([finished.code, finished.stdout, logins], [1, "", 0], finished.stderr);
      assert.match(finished.stderr, new RegExp(`^${node}: `));
      return finished.stderr;
    }

    it("sends nothing to a host with another key, and shows both fingerprints", async () => {
      const target = { ...hop(lab, "laptop", lab.managementAddress("relay")) };
      const message = await refused("relay", { targets: [{ kind: "ssh", hop: target, via: [] }] });
      assert.match(
        message,
        /172\.29\.0\.10 port 22 shows another SSH host key than the pinned one/,
      );
      const [expected, got] = await Promise.all(["laptop", "relay"].map(fingerprintOf));
      assert.ok(message.includes(`expected: ssh-ed25519 ${expected}`), message);
      assert.ok(message.includes(`got:      ED25519 ${got}`), message);
      assert.match(message, /hostKey of relay/);
    });

    async function fingerprintOf(node: string): Promise<string> {
      const keys = await lab.exec(node, ["ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub"]);
      return keys.stdout.split(" ")[1] ?? "";
    }

    it("sends nothing through a jump with another key", async () => {
      const jump = hop(lab, "laptop", "203.0.113.10");
      const target = hop(lab, "desktop", "203.0.113.21", 2222);
      const message = await refused("desktop", {
        targets: [{ kind: "ssh", hop: target, via: [jump] }],
      });
      assert.match(message, /203\.0\.113\.10 port 22 shows another SSH host key/);
      assert.match(message, /hostKey of the relay at 203\.0\.113\.10/);
    });

    it("tries a rejected SSH key once and no other target", async () => {
      const from = lab.sshLog("laptop").length;
      const message = await refused("laptop", {
        sshPrivateKey: await foreignKey(""),
        targets: [managed(lab, "laptop"), managed(lab, "laptop")],
      });
      assert.match(message, /root@172\.29\.0\.12 accepts none of the SSH keys that were offered/);
      const closed = /Connection closed by authenticating user root/g;
      assert.ok(await waitForLog(lab, "laptop", new RegExp(closed, ""), from));
      assert.equal(lab.sshLog("laptop").slice(from).match(closed)?.length, 1);
    });

    /** A key that no host accepts. */
    async function foreignKey(passphrase: string): Promise<string> {
      const script = 'rm -f /tmp/k; ssh-keygen -q -t ed25519 -N "$1" -f /tmp/k && cat /tmp/k';
      return (await lab.exec("laptop", ["sh", "-c", script, "sh", passphrase])).stdout;
    }

    it("explains why the stack's SSH key cannot be used", async () => {
      const locked = await refused("laptop", { sshPrivateKey: await foreignKey("secret") });
      assert.match(locked, /protected by a passphrase.*ssh-keygen -p/);
      const broken = await refused("laptop", { sshPrivateKey: "no key at all" });
      assert.match(broken, /holds no SSH private key that OpenSSH can read/);
      assert.doesNotMatch(broken, /no key at all/);
    });

    it("requires a user with passwordless sudo", async () => {
      // A fake sudo with the real one's message; minimal Debian systems have no sudo.
      const sudo = lab.fileOf("laptop", "/usr/bin/sudo");
      const target = { ...hop(lab, "laptop", lab.managementAddress("laptop")), user: "admin" };
      const request = requestFor(lab, "laptop", {
        targets: [{ kind: "ssh", hop: target, via: [] }],
      });
      await lab.exec("laptop", [
        "sh",
        "-c",
        "echo 'echo sudo: a password is required >&2; exit 1' >/usr/bin/sudo; chmod 755 /usr/bin/sudo",
      ]);
      assert.ok(fs.existsSync(sudo));
      const needsPassword = await push(lab, "apply", request);
      assert.equal(needsPassword.code, 1);
      assert.match(needsPassword.stderr, /^laptop: admin is let in, but may not become root/);
      assert.match(needsPassword.stderr, /admin ALL=\(root\) NOPASSWD: ALL/);
      await lab.exec("laptop", ["rm", "/usr/bin/sudo"]);
      const without = await push(lab, "apply", request);
      assert.match(
        without.stderr,
        /^laptop: admin is let in, but cannot become root, for there is no sudo/,
      );
    });
  });

  describe("that does not answer", () => {
    // A wrong permanent ARP entry: packets are dropped silently, as behind a router.
    before(() => neighbour("replace", "lladdr", "02:00:00:00:00:99", "nud", "permanent"));
    after(() => neighbour("del"));

    async function neighbour(verb: string, ...options: string[]): Promise<void> {
      const address = lab.managementAddress("laptop");
      const argv = ["ip", "neighbour", verb, address, "dev", "mgmt0", ...options];
      assert.equal((await lab.exec("operator", argv)).code, 0);
    }

    it("fails with the cause within 26 s, regardless of the number of targets", async () => {
      const away = hop(lab, "laptop", lab.managementAddress("laptop"));
      const ports = [22, 2201, 2202, 2203];
      const request = requestFor(lab, "laptop", {
        targets: [
          ...ports.map((port) => ({ kind: "ssh" as const, hop: { ...away, port }, via: [] })),
          { kind: "ssh", hop: hop(lab, "relay", "203.0.113.10", 1), via: [] },
        ],
      });
      const startedAt = Date.now();
      const finished = await push(lab, "apply", request);
      assertWithin(26, startedAt, REACH_MS / 1000);
      assert.equal(finished.code, 1);
      const message = finished.stderr;
      assert.match(message, /^laptop: cannot be reached, so nothing was sent to it\.\n/m);
      assert.match(
        message,
        /\n {2}root@172\.29\.0\.12:2203: timed out: 172\.29\.0\.12 port 2203 does not/,
      );
      assert.match(
        message,
        /\n {2}root@203\.0\.113\.10:1: connection refused by 203\.0\.113\.10 port 1\n/,
      );
      assert.match(message, /npx wireguard-mesh up/);
    });

    it("does not block its removal, which reports what may be left", async () => {
      const request = requestFor(lab, "laptop");
      const startedAt = Date.now();
      const finished = await push(lab, "remove", request);
      assertWithin(29, startedAt, REMOVE_REACH_MS / 1000);
      assert.equal(finished.code, 0, finished.stderr);
      assert.equal((JSON.parse(finished.stdout) as { outcome: string }).outcome, "failed");
      assert.match(finished.stderr, /timed out: 172\.29\.0\.12 port 22/);
      assert.match(finished.stderr, /sudo sh \/var\/lib\/wireguard-mesh\/wg0\/host\.sh remove wg0/);
    });
  });

  describe("as a whole", () => {
    it("leaks no secret", () => leaks.end());
  });
});
