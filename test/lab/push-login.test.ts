/** How a push gets onto a host: how often it logs in, whom it trusts, and what it says when there is no way. Needs root. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import type { PushRequest, PushResult } from "../../mesh/push-request";
import { Lab } from "../../scripts/lab/lab";
import type { CommandResult } from "../../scripts/lab/process";
import { LeakWatch } from "./support/leak-watch";
import { hop, managed, push, PUSH_WORLD, requestFor } from "./support/pushing";

describe("a push to a host", function () {
  this.timeout(120_000);
  let lab: Lab;
  let leaks: LeakWatch;
  before(async () => {
    lab = await Lab.up(PUSH_WORLD, { id: "test-push-login" });
    leaks = await LeakWatch.forPushes(lab);
  });
  after(() => lab.down());

  /** How many logins a push made, and what came of it. */
  async function counted(node: string, request: PushRequest): Promise<[number, CommandResult]> {
    const before = lab.logins(node);
    const finished = await push(lab, "apply", request);
    return [lab.logins(node) - before, finished];
  }

  function resultOf({ stdout, stderr }: CommandResult): PushResult {
    assert.match(stdout, /^\{.*\}\n$/, stderr);
    return JSON.parse(stdout) as PushResult;
  }

  describe("that is there", () => {
    it("logs in twice when it changes something, once when there is nothing to do", async () => {
      const request = requestFor(lab, "relay");
      const [first, applied] = await counted("relay", request);
      assert.equal(resultOf(applied).outcome, "applied");
      const [second, unchanged] = await counted("relay", request);
      assert.equal(resultOf(unchanged).outcome, "unchanged");
      assert.deepEqual([first, second], [2, 1]);
      assert.equal(resultOf(applied).digest, resultOf(unchanged).digest);
      assert.equal(resultOf(applied).through, "root@172.29.0.10");
      const live = fs.statSync(lab.fileOf("relay", "/etc/wireguard/wg0.conf"));
      assert.equal(live.mode & 0o777, 0o600);
    });

    it("tries its ways in their order and says which one it took", async () => {
      const desktop = hop(lab, "desktop", "203.0.113.21", 2222);
      const request = requestFor(lab, "desktop", {
        targets: [
          { kind: "ssh", hop: hop(lab, "desktop", "203.0.113.21", 2223), via: [] },
          { kind: "ssh", hop: desktop, via: [hop(lab, "relay", "203.0.113.10")] },
          managed(lab, "desktop"),
        ],
      });
      const [logins, finished] = await counted("desktop", request);
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

    it("goes on to the next way when another machine answers at the first", async () => {
      // As at a café, where 192.168.1.20 is somebody else's: nothing is sent there.
      const elsewhere = hop(lab, "relay", lab.managementAddress("desktop"));
      const request = requestFor(lab, "relay", {
        targets: [{ kind: "ssh", hop: elsewhere, via: [] }, managed(lab, "relay")],
      });
      const [logins, finished] = await counted("desktop", request);
      assert.equal(resultOf(finished).through, "root@172.29.0.10");
      assert.equal(logins, 0);
    });
  });

  describe("that must not be trusted or does not let it in", () => {
    /** The words of a push that must fail without a login. */
    async function refused(node: string, change: Partial<PushRequest>): Promise<string> {
      const [logins, finished] = await counted(node, requestFor(lab, node, change));
      assert.deepEqual([finished.code, finished.stdout, logins], [1, "", 0], finished.stderr);
      assert.match(finished.stderr, new RegExp(`^${node}: `));
      return finished.stderr;
    }

    it("sends nothing to a host with another key, and shows both fingerprints", async () => {
      const target = { ...hop(lab, "laptop", lab.managementAddress("relay")) };
      const words = await refused("relay", { targets: [{ kind: "ssh", hop: target, via: [] }] });
      assert.match(words, /172\.29\.0\.10 port 22 shows another SSH host key than the pinned one/);
      const [expected, got] = await Promise.all(["laptop", "relay"].map(fingerprintOf));
      assert.ok(words.includes(`expected: ssh-ed25519 ${expected}`), words);
      assert.ok(words.includes(`got:      ED25519 ${got}`), words);
      assert.match(words, /hostKey of relay/);
    });

    async function fingerprintOf(node: string): Promise<string> {
      const keys = await lab.exec(node, ["ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub"]);
      return keys.stdout.split(" ")[1] ?? "";
    }

    it("sends nothing through a jump with another key", async () => {
      const jump = hop(lab, "laptop", "203.0.113.10");
      const target = hop(lab, "desktop", "203.0.113.21", 2222);
      const words = await refused("desktop", {
        targets: [{ kind: "ssh", hop: target, via: [jump] }],
      });
      assert.match(words, /203\.0\.113\.10 port 22 shows another SSH host key/);
      assert.match(words, /hostKey of the relay at 203\.0\.113\.10/);
    });

    it("tries a refused SSH key once and no other way", async () => {
      const triesBefore = tries();
      const words = await refused("laptop", {
        sshPrivateKey: await foreignKey(""),
        targets: [managed(lab, "laptop"), managed(lab, "laptop")],
      });
      assert.match(words, /root@172\.29\.0\.12 accepts none of the SSH keys that were offered/);
      assert.equal(tries() - triesBefore, 1);
    });

    function tries(): number {
      return (
        lab.sshLog("laptop").match(/Connection closed by authenticating user root/g)?.length ?? 0
      );
    }

    /** A key that nobody lets in. */
    async function foreignKey(passphrase: string): Promise<string> {
      const script = 'rm -f /tmp/k; ssh-keygen -q -t ed25519 -N "$1" -f /tmp/k && cat /tmp/k';
      return (await lab.exec("laptop", ["sh", "-c", script, "sh", passphrase])).stdout;
    }

    it("says what is wrong with a key of the stack's own that cannot be used", async () => {
      const locked = await refused("laptop", { sshPrivateKey: await foreignKey("secret") });
      assert.match(locked, /protected by a passphrase.*ssh-keygen -p/);
      const broken = await refused("laptop", { sshPrivateKey: "no key at all" });
      assert.match(broken, /holds no SSH private key that OpenSSH can read/);
      assert.doesNotMatch(broken, /no key at all/);
    });

    it("needs a user that may become root without a password", async () => {
      // A stand-in for sudo: what the real one says when it wants a password. Debian's minimal systems have none.
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
      const wanting = await push(lab, "apply", request);
      assert.equal(wanting.code, 1);
      assert.match(wanting.stderr, /^laptop: admin is let in, but may not become root/);
      assert.match(wanting.stderr, /admin ALL=\(root\) NOPASSWD: ALL/);
      await lab.exec("laptop", ["rm", "/usr/bin/sudo"]);
      const without = await push(lab, "apply", request);
      assert.match(
        without.stderr,
        /^laptop: admin is let in, but cannot become root, for there is no sudo/,
      );
    });
  });

  describe("that does not answer", () => {
    // Its address is known but leads nowhere, as behind a router: every packet is lost without a sign.
    before(() => neighbour("replace", "lladdr", "02:00:00:00:00:99", "nud", "permanent"));
    after(() => neighbour("del"));

    async function neighbour(verb: string, ...words: string[]): Promise<void> {
      const address = lab.managementAddress("laptop");
      const argv = ["ip", "neighbour", verb, address, "dev", "mgmt0", ...words];
      assert.equal((await lab.exec("operator", argv)).code, 0);
    }

    /** Runs it, and fails when it takes longer. */
    async function within(
      limitMs: number,
      work: () => Promise<CommandResult>,
    ): Promise<CommandResult> {
      const start = Date.now();
      const finished = await work();
      assert.ok(Date.now() - start < limitMs, `took ${Date.now() - start} ms`);
      return finished;
    }

    it("fails with the cause, whatever the number of ways, within 26 s", async () => {
      const away = hop(lab, "laptop", lab.managementAddress("laptop"));
      const ports = [22, 2201, 2202, 2203];
      const request = requestFor(lab, "laptop", {
        targets: [
          ...ports.map((port) => ({ kind: "ssh" as const, hop: { ...away, port }, via: [] })),
          { kind: "ssh", hop: hop(lab, "relay", "203.0.113.10", 1), via: [] },
        ],
      });
      const finished = await within(26_000, () => push(lab, "apply", request));
      assert.equal(finished.code, 1);
      const words = finished.stderr;
      assert.match(words, /^laptop: cannot be reached, so nothing was sent to it\.\n/m);
      assert.match(
        words,
        /\n {2}root@172\.29\.0\.12:2203: timed out: 172\.29\.0\.12 port 2203 does not/,
      );
      assert.match(
        words,
        /\n {2}root@203\.0\.113\.10:1: connection refused by 203\.0\.113\.10 port 1\n/,
      );
      assert.match(words, /npx wireguard-mesh up/);
    });

    it("does not block its own removal, which says what may be left", async () => {
      const request = requestFor(lab, "laptop");
      const finished = await within(29_000, () => push(lab, "remove", request));
      assert.equal(finished.code, 0, finished.stderr);
      assert.equal((JSON.parse(finished.stdout) as { outcome: string }).outcome, "failed");
      assert.match(finished.stderr, /timed out: 172\.29\.0\.12 port 22/);
      assert.match(finished.stderr, /sudo sh \/var\/lib\/wireguard-mesh\/wg0\/host\.sh remove wg0/);
    });
  });

  describe("in all of this", () => {
    it("leaks no secret", () => leaks.end());
  });
});
