/** The SSH identity of an instance, from its bootstrap key to the certificate that replaces it. Needs root. */
import * as assert from "node:assert/strict";
import { once } from "node:events";
import * as fs from "node:fs";
import { poll } from "../../scripts/poll";
import type { PushRequest, PushResult } from "../../mesh/push-request";
import { Lab } from "../../scripts/lab/lab";
import { type CommandResult } from "../../scripts/lab/process";
import { assertWithin } from "../support/time-limits";
import { leaksIn } from "../support/secret-forms";
import {
  setUpInstance,
  AUTHORITY,
  DROP_IN,
  bootstrapKeyFor,
  OWN_KEY,
  ownHostKey,
  requestForInstance,
  AUTHORITY_SEED,
  scanHostKeys,
  authorityTarget,
  authorityHop,
} from "./support/instances";
import {
  hop,
  push,
  PUSH_WORLD,
  requestFor,
  processListText,
  startPush,
  fileContents,
} from "./support/pushing";
import { waitForLog } from "./support/small-world";

const ADDRESS = "203.0.113.10";
const OTHER_ADDRESS = "203.0.113.30";

describe("the identity of an instance", function () {
  this.timeout(240_000);
  let lab: Lab;
  let processList = "";
  let output = "";
  let watch: NodeJS.Timeout;
  before(async () => {
    const hosts = { ...PUSH_WORLD.hosts, impostor: { public: OTHER_ADDRESS } };
    lab = await Lab.up({ ...PUSH_WORLD, hosts }, { id: "test-push-identity" });
    watch = setInterval(() => (processList += newLines(processListText())), 100);
    await setUpInstance(lab, "relay", bootstrapKeyFor("relay").privateKey.reveal());
  });
  after(async () => {
    clearInterval(watch);
    await lab.down();
  });

  const seenLines = new Set<string>();
  function newLines(text: string): string {
    const fresh = text.split(/[\n\0]/).filter((line) => !seenLines.has(line));
    fresh.forEach((line) => seenLines.add(line));
    return fresh.join("\n");
  }

  function request(change: Partial<PushRequest> = {}, instance = "i-relay"): PushRequest {
    return requestForInstance(lab, "relay", authorityTarget(ADDRESS, instance), change);
  }

  /** A request for the relay that leads to the impostor's address. */
  function requestToImpostor(): PushRequest {
    return request({ targets: [authorityTarget(OTHER_ADDRESS, "i-relay")] });
  }

  function resultOf({ stdout, stderr }: CommandResult): PushResult {
    assert.match(stdout, /^\{.*\}\n$/, stderr);
    return JSON.parse(stdout) as PushResult;
  }

  async function adopt(): Promise<PushResult> {
    const finished = await push(lab, "adopt", request());
    output += finished.stdout + finished.stderr;
    return resultOf(finished);
  }

  /** Asserts that a push fails without a login. */
  async function refused(verb: "adopt" | "apply", node: string, one: PushRequest) {
    const [logins, log] = [lab.logins(node), lab.sshLog(node).length];
    const { code, stdout, stderr } = await push(lab, verb, one);
    output += stderr;
    assert.deepEqual([code, stdout, lab.logins(node) - logins], [1, "", 0], stderr);
    return { message: stderr, logFrom: log };
  }

  async function fingerprint(publicKey: string): Promise<string> {
    const argv = ["sh", "-c", "ssh-keygen -l -f - | cut -d ' ' -f 2"];
    return (await lab.exec("operator", argv, { input: `${publicKey}\n` })).stdout.trim();
  }

  describe("at the first contact", () => {
    it("rejects a host at once if neither key matches, without a login attempt", async () => {
      const key = await lab.exec("impostor", ["cat", "/etc/ssh/ssh_host_ed25519_key"]);
      await setUpInstance(lab, "impostor", key.stdout);
      const startedAt = Date.now();
      const { message, logFrom } = await refused("adopt", "impostor", requestToImpostor());
      // "At once": it does not wait BOOT_GRACE_MS for the right machine to appear, which it would report.
      assert.doesNotMatch(message, /waits for SSH/);
      assertWithin(20, startedAt);
      assert.match(message, /another machine answers than the instance that was made; nothing was/);
      const [first, own] = [bootstrapKeyFor("relay").publicKey, AUTHORITY.publicKey];
      assert.ok(message.includes(`expected: ssh-ed25519 ${await fingerprint(first)}`), message);
      assert.ok(message.includes(`authority, ssh-ed25519 ${await fingerprint(own)}`), message);
      const shown = await fingerprint((await scanHostKeys(lab, OTHER_ADDRESS))[1] ?? "");
      assert.equal(message.split(shown).length - 1, 2, message);
      // The client closed the connection before it sent a user name, a key or the payload.
      const closed = /Connection (closed|reset) by .* \[preauth\]/;
      assert.ok(await waitForLog(lab, "impostor", closed, logFrom));
      const sshLog = lab.sshLog("impostor").slice(logFrom);
      assert.doesNotMatch(sshLog, /authenticating user|Accepted|Failed|userauth/i);
    });

    it("waits while SSH is refused, reports it, and continues when SSH is up", async () => {
      const refuse =
        "add table inet boot; add chain inet boot in { type filter hook input priority 0; }";
      const reset = "add rule inet boot in tcp dport 22 reject with tcp reset";
      assert.equal((await lab.exec("relay", ["nft", refuse])).code, 0);
      assert.equal((await lab.exec("relay", ["nft", reset])).code, 0);
      const waiting = startPush(lab, request(), { verb: "adopt" });
      let log = "";
      waiting.stderr?.setEncoding("utf8").on("data", (text: string) => (log += text));
      const reported = /^relay: waits for SSH on 203\.0\.113\.10 \(\d+ s\): connection refused$/m;
      assert.ok(
        await poll(() => reported.test(log) || undefined, { limitMs: 20_000, pauseMs: 10 }),
        log,
      );
      await lab.exec("relay", ["nft", "delete table inet boot"]);
      const [code] = (await once(waiting, "close")) as [number];
      assert.equal(code, 0, log);
    });

    it("leaves only the key that the machine generated", async () => {
      assert.deepEqual(await scanHostKeys(lab, ADDRESS), [await ownHostKey(lab, "relay")]);
      const left = await lab.exec("relay", ["sh", "-c", "ls /etc/ssh/ssh_host_*"]);
      assert.equal(left.stdout, "");
      const { mode, uid } = fs.statSync(lab.fileOf("relay", OWN_KEY));
      assert.deepEqual([mode & 0o777, uid], [0o600, 0]);
    });
  });

  describe("afterwards", () => {
    it("is the same for the next push, which needs no extra login", async () => {
      const before = lab.logins("relay");
      const again = await adopt();
      const unchanged = resultOf(await push(lab, "apply", request()));
      assert.deepEqual([again.outcome, unchanged.outcome], ["unchanged", "unchanged"]);
      assert.equal(lab.logins("relay") - before, 3);
    });

    it("is pushed to at its first address, until it has the relay's address", async () => {
      const given = request().identity;
      assert.ok(given !== null);
      const [first, before] = [lab.logins("relay"), lab.logins("impostor")];
      const moving = { ...requestToImpostor(), identity: { ...given, firstAddress: ADDRESS } };
      assert.equal(resultOf(await push(lab, "adopt", moving)).through, `root@${ADDRESS}`);
      const moved = request({ identity: { ...given, firstAddress: OTHER_ADDRESS } });
      assert.equal(resultOf(await push(lab, "adopt", moved)).through, `root@${ADDRESS}`);
      assert.deepEqual([lab.logins("relay") - first, lab.logins("impostor") - before], [5, 0]);
    });

    it("is the same after a reboot", async () => {
      await lab.reboot("relay");
      assert.equal(resultOf(await push(lab, "apply", request())).outcome, "applied");
      assert.deepEqual(await scanHostKeys(lab, ADDRESS), [await ownHostKey(lab, "relay")]);
    });

    it("is not the bootstrap key: a host that shows it gets nothing", async () => {
      await setUpInstance(lab, "impostor", bootstrapKeyFor("relay").privateKey.reveal());
      const { message } = await refused("apply", "impostor", requestToImpostor());
      const first = await fingerprint(bootstrapKeyFor("relay").publicKey);
      assert.match(message, /203\.0\.113\.30 port 22 does not prove that it is i-relay/);
      assert.ok(
        message.includes(`no certificate, but the plain key ssh-ed25519 ${first}`),
        message,
      );
    });

    it("is not another instance's, although its certificate has the same authority", async () => {
      const { message } = await refused("apply", "relay", request({}, "i-previous"));
      assert.match(message, /does not prove that it is i-previous, so nothing was sent/);
      assert.match(message, /got: {6}one by this authority for wireguard-mesh-i-relay$/m);
    });

    it("is also required when it is a jump host", async () => {
      const desktop = hop(lab, "desktop", "203.0.113.21", 2222);
      const through = (instance: string): PushRequest =>
        requestFor(lab, "desktop", {
          targets: [{ kind: "ssh", hop: desktop, via: [authorityHop(ADDRESS, instance)] }],
        });
      const { through: way } = resultOf(await push(lab, "apply", through("i-relay")));
      assert.equal(way, "root@203.0.113.21:2222 via root@203.0.113.10");
      const { message } = await refused("apply", "desktop", through("i-previous"));
      assert.match(message, /203\.0\.113\.10 port 22 does not prove that it is i-previous/);
    });
  });

  describe("during an interrupted change", () => {
    /** A fake `sync`, which is called before and after each rename; its n-th call hangs until it is killed. */
    const HANG = `#!/bin/sh
      n=$(($(cat /run/syncs 2>/dev/null || echo 0) + 1)); echo $n >/run/syncs
      [ "$n" != "$(cat /run/hang-at 2>/dev/null)" ] || { touch /run/hung; exec sleep 600; }
      exec /bin/sync "$@"`;

    async function hangAt(count: number): Promise<void> {
      await setUpInstance(lab, "relay", bootstrapKeyFor("relay").privateKey.reveal());
      const script = `rm -f /run/syncs /run/hung; echo ${count} >/run/hang-at; cat >/usr/local/bin/sync; chmod 755 /usr/local/bin/sync`;
      await lab.exec("relay", ["sh", "-c", script], { input: HANG });
    }

    /** Starts a push and kills it when the host hangs. */
    async function killedPush(): Promise<void> {
      const program = startPush(lab, request(), { verb: "adopt" });
      program.stdout?.resume();
      program.stderr?.resume();
      const hung = async (): Promise<true | undefined> =>
        (await lab.exec("relay", ["test", "-e", "/run/hung"])).code === 0 ? true : undefined;
      assert.ok(await poll(hung, { limitMs: 30_000, pauseMs: 10 }), "the host never hung");
      program.kill("SIGKILL");
      await once(program, "exit");
    }

    async function assertNextPushSucceeds(): Promise<void> {
      await adopt();
      assert.deepEqual(await scanHostKeys(lab, ADDRESS), [await ownHostKey(lab, "relay")]);
      const keys = await lab.exec("relay", ["sh", "-c", "ls /etc/ssh/*host*"]);
      assert.equal(keys.stdout, `${OWN_KEY}\n${OWN_KEY}-cert.pub\n`);
    }

    const CUTS = ["key", "key", "certificate", "certificate", "both", "both", "own", "own", "rm"];
    for (const [index, file] of CUTS.entries()) {
      it(`boots after a power cut (${index + 1}: ${file}), and the next push succeeds`, async () => {
        await hangAt(index + 1);
        await killedPush();
        await lab.reboot("relay");
        await assertNextPushSucceeds();
      });
    }

    it("continues with the next push after the push was killed", async () => {
      await hangAt(5);
      await killedPush();
      await lab.exec("relay", ["sh", "-c", "rm /run/hang-at; kill $(pidof sleep)"]);
      await assertNextPushSucceeds();
    });

    it("reports an sshd that reads no drop-ins, and changes nothing", async () => {
      await hangAt(0);
      await lab.exec("relay", ["sed", "-i", "/^Include/d", "/etc/ssh/sshd_config"]);
      const { code, stderr } = await push(lab, "adopt", request());
      assert.equal(code, 1);
      assert.match(stderr, /does not read \/etc\/ssh\/sshd_config\.d; it was not changed/);
      assert.equal(fs.existsSync(lab.fileOf("relay", DROP_IN)), false);
      assert.ok((await scanHostKeys(lab, ADDRESS)).includes(bootstrapKeyFor("relay").publicKey));
    });
  });

  // In a suite of its own, because Mocha runs a suite's tests before its nested suites.
  describe("as a whole", () => {
    it("leaks neither the key nor the seed of the SSH authority", () => {
      const secretLines = (text: string): string[] => text.split("\n").slice(3, -2);
      const secrets = [
        ...secretLines(AUTHORITY.privateKey.reveal()),
        ...secretLines(lab.sshPrivateKey()),
      ];
      assert.ok(secrets.length >= 4);
      secrets.push(AUTHORITY_SEED.reveal());
      assert.deepEqual(leaksIn(output + processList, secrets), []);
      assert.ok(processList.includes("ssh-keygen"), "no process list was read in time");
      assert.deepEqual(leaksIn(fileContents(lab.folder.logs), secrets), []);
      assert.deepEqual(leaksIn(fileContents(lab.fileOf("relay", "/etc")), secrets), []);
      assert.deepEqual(leaksIn(fileContents(lab.fileOf("relay", "/var")), secrets), []);
    });
  });
});
