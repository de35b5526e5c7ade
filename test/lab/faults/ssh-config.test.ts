/** The user's own ssh_config, keys and names: the pinned key counts, one key is offered, and a wait is reported. Needs root. */
import * as assert from "node:assert/strict";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { PushRequest, PushResult } from "../../../mesh/push-request";
import { Lab } from "../../../scripts/lab/lab";
import { HostSession } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { configOf, hop, requestFor, startPush } from "../support/pushing";
import { startSlowAgent } from "../support/slow-agent";
import { addToAgent, startAgent } from "../support/ssh-agent";

/** The port of a second sshd on the relay, which logs each key that is offered. */
const TALKING = 2200;

describe("a push beside the user's own SSH settings", function () {
  this.timeout(180_000);
  let lab: Lab;
  let leaks: LeakWatch;
  let relay: HostSession;
  /** Stands in for ~/.ssh of the operator's user. */
  let home: string;
  before(async () => {
    lab = await Lab.up({ hosts: { relay: { public: "203.0.113.10" } } }, { id: "test-ssh-config" });
    leaks = await LeakWatch.forPushes(lab);
    relay = new HostSession(lab, "relay");
    await relay.run(
      `/usr/sbin/sshd -o LogLevel=VERBOSE -o Port=${TALKING} -o PidFile=none -E /root/sshd.log`,
    );
    home = fs.mkdtempSync(path.join(os.tmpdir(), "wgm-ssh-"));
  });
  after(async () => {
    fs.rmSync(home, { recursive: true });
    await lab.down();
  });
  beforeEach(async () => {
    fs.rmSync(path.join(home, "config"), { force: true });
    await relay.run(": >/root/sshd.log");
  });

  const sshdLog = (): string => fs.readFileSync(lab.fileOf("relay", "/root/sshd.log"), "utf8");

  function config(...lines: string[]): void {
    fs.writeFileSync(path.join(home, "config"), lines.map((line) => `${line}\n`).join(""));
  }

  /** A request for the relay by that sshd. */
  function request(change: Partial<PushRequest> & { address?: string } = {}): PushRequest {
    const { address = lab.managementAddress("relay"), ...rest } = change;
    const target = hop(lab, "relay", address, TALKING);
    return requestFor(lab, "relay", { targets: [{ kind: "ssh", hop: target, via: [] }], ...rest });
  }

  interface Finished {
    code: number;
    output: string;
    seconds: number;
  }

  /** Pushes with the stand-in for ~/.ssh, and with `hosts` as /etc/hosts, both seen by this push alone. */
  async function push(
    one: PushRequest,
    env: NodeJS.ProcessEnv = {},
    hosts = "127.0.0.1 localhost\n",
  ): Promise<Finished> {
    fs.writeFileSync(path.join(home, "hosts"), hosts);
    const script =
      'mkdir -p /root/.ssh && mount --bind "$1" /root/.ssh && mount --bind "$1/hosts" /etc/hosts && shift && exec "$@"';
    const wrapper = ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", home];
    const begun = performance.now();
    const program = startPush(lab, one, { wrapper, env });
    let output = "";
    for (const stream of [program.stdout, program.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => (output += text));
    }
    const [code] = (await once(program, "close")) as [number];
    return { code, output, seconds: (performance.now() - begun) / 1000 };
  }

  function assertApplied({ code, output }: Finished): void {
    assert.equal(code, 0, output);
    const line = /^\{.*\}$/m.exec(output)?.[0] ?? "";
    assert.match((JSON.parse(line) as PushResult).outcome, /^(applied|unchanged)$/);
  }

  it("refuses a host with another key than the pinned one, though a KnownHostsCommand vouches for it", async () => {
    const command = path.join(home, "vouch");
    fs.writeFileSync(command, `#!/bin/sh\necho "$1 $2 $3"; echo asked >>${home}/asked\n`, {
      mode: 0o755,
    });
    config(
      "Host *",
      `  KnownHostsCommand ${command} %H %t %K`,
      "  GSSAPIKeyExchange yes",
      "  IgnoreUnknown GSSAPI*",
    );
    const other =
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC0u/c0cKBZlaUOiuGdIdumBH6c+PelQ0oCseqBOfKX3";
    const target = {
      ...hop(lab, "relay", lab.managementAddress("relay"), TALKING),
      hostKeys: [other],
    };
    const wrong = await push(request({ targets: [{ kind: "ssh", hop: target, via: [] }] }));
    assert.equal(wrong.code, 1);
    assert.match(
      wrong.output,
      /shows another SSH host key than the pinned one, so nothing was sent/,
    );
    assert.doesNotMatch(sshdLog(), /Accepted|Failed|Postponed/);
    assertApplied(await push(request()));
    assert.equal(fs.existsSync(path.join(home, "asked")), false);
  });

  it("offers the stack's own key and no other, also where ssh_config names keys that the host takes", async () => {
    config("Host *", `  IdentityFile ${lab.folder.sshKey}`, "  IdentitiesOnly yes");
    const key = path.join(home, "stack");
    await lab.exec("operator", ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]);
    const refused = await push(request({ sshPrivateKey: fs.readFileSync(key, "utf8") }));
    assert.equal(refused.code, 1);
    assert.match(refused.output, /accepts none of the SSH keys that were offered/);
    assert.equal(sshdLog().match(/^Failed publickey/gm)?.length, 1, sshdLog());
    const print = await lab.exec("operator", ["ssh-keygen", "-lf", `${key}.pub`]);
    assert.ok(sshdLog().includes(print.stdout.split(" ")[1] ?? "no fingerprint"));
    assertApplied(await push(request()));
  });

  it("reaches the host by the user's HostName and ProxyJump, with a key of the stack's own", async () => {
    config(
      "Host jump",
      ...["  HostName 203.0.113.10", `  IdentityFile ${lab.folder.sshKey}`],
      ...["  StrictHostKeyChecking no", "  UserKnownHostsFile /dev/null"],
      "Host nickname",
      ...["  HostName 127.0.0.1", "  ProxyJump root@jump"],
    );
    const before = lab.logins("relay");
    assertApplied(await push(request({ address: "nickname" })));
    assert.ok(lab.logins("relay") > before, "the jump was not used");
  });

  describe("with an agent", () => {
    let agent: string;
    before(async () => {
      agent = path.join(home, "agent");
      await startAgent(lab, agent);
    });

    it("waits for a key that its owner has to confirm, and says so", async () => {
      await addToAgent(lab, agent, lab.folder.sshKey);
      const slow = await startSlowAgent(path.join(home, "slow"), agent, 12_000);
      const one = await push(request({ sshPrivateKey: null }), {
        SSH_AUTH_SOCK: path.join(home, "slow"),
      });
      slow.close();
      assertApplied(one);
      assert.match(
        one.output,
        /^relay: waits for your SSH key ED25519 SHA256:\S+: confirm its use/m,
      );
      assert.ok(slow.asked >= 1 && one.seconds > 12);
    });

    it("names IdentitiesOnly and the stack's own key where it has too many keys; both work", async () => {
      const names = ["1", "2", "3", "4", "5", "6", "7"].map((name) => path.join(home, name));
      for (const name of names) {
        await lab.exec("operator", ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name]);
      }
      await lab.exec("operator", ["ssh-add", "-q", "-D"], { env: { SSH_AUTH_SOCK: agent } });
      await addToAgent(lab, agent, ...names, lab.folder.sshKey);
      const env = { SSH_AUTH_SOCK: agent };
      const many = await push(request({ sshPrivateKey: null }), env);
      assert.equal(many.code, 1);
      assert.match(
        many.output,
        /closed the connection after 6 SSH keys, before the right one came/,
      );
      assert.equal(sshdLog().match(/^Connection from/gm)?.length, 1, "it was tried again");
      const host = /Host (\S+), and below it IdentitiesOnly yes and IdentityFile/.exec(
        many.output,
      )?.[1];
      config(
        `Host ${host ?? ""}`,
        "  IdentitiesOnly yes",
        `  IdentityFile ${lab.folder.sshKey}.pub`,
      );
      assertApplied(await push(request({ sshPrivateKey: null }), env));
      config();
      assertApplied(await push(request(), env));
    });
  });

  it("reaches a name whose first addresses are dead, and then dials IPv4 alone", async () => {
    const dead = ["2001:db8:113::66", "2001:db8:113::67"];
    const rule = `ip6 daddr { ${dead.join(", ")} } meta l4proto tcp add @dialled { ip6 daddr . tcp sport } drop`;
    const set = "set dialled { type ipv6_addr . inet_service; flags dynamic; size 64; }";
    const drop = `table inet dead { ${set}; chain out { type filter hook output priority 0; ${rule}; }; }`;
    assert.equal((await lab.exec("operator", ["nft", drop])).code, 0);
    const hosts = [...dead, "203.0.113.10"].map((address) => `${address} relay.test\n`).join("");
    const change = { address: "relay.test", config: configOf("relay", "10.0.0.9/24") };
    const one = await push(request(change), {}, `127.0.0.1 localhost\n${hosts}`);
    assertApplied(one);
    assert.match(one.output, /"outcome":"applied"/);
    const { stdout } = await lab.exec("operator", ["nft", "list set inet dead dialled"]);
    // One connection to each; none by the second login of the push.
    assert.equal(stdout.match(/2001:db8:113::6[67] \. \d+/g)?.length, 2, stdout);
    await lab.exec("operator", ["nft", "delete table inet dead"]);
  });

  // In a suite of its own, because Mocha runs a suite's tests before its nested suites.
  describe("as a whole", () => {
    it("leaks no secret", () => leaks.end());
  });
});
