/** F2, F3, F4, F12, F13: an sshd that is not up yet, wrong keys, changed names and wrong clocks. Needs root. */
import * as assert from "node:assert/strict";
import { poll } from "../../../scripts/poll";
import { Lab } from "../../../scripts/lab/lab";
import { assertWithin } from "../../support/time-limits";
import { HostSession, type WantedState } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { keyPairFor, push, requestFor, startPush } from "../support/pushing";
import { waitForLog } from "../support/small-world";

describe("a push to a host", function () {
  this.timeout(120_000);
  let lab: Lab;
  let leaks: LeakWatch;
  let relay: HostSession;
  before(async () => {
    const hosts = { relay: { public: "203.0.113.10" }, desktop: { public: "203.0.113.20" } };
    lab = await Lab.up({ hosts }, { id: "test-f-login" });
    leaks = await LeakWatch.forPushes(lab);
    relay = new HostSession(lab, "relay");
  });
  after(() => lab.down());

  it("F2: waits for a booting host whose sshd is not up, reports it, and then pushes", async () => {
    const sshd = (state: "down" | "up"): Promise<string> =>
      relay.run(
        state === "down"
          ? "nft add table inet boot; nft 'add chain inet boot in { type filter hook input priority 0; }'; nft add rule inet boot in tcp dport 22 reject with tcp reset"
          : "nft delete table inet boot",
      );
    await sshd("down");
    const program = startPush(lab, requestFor(lab, "relay"));
    let output = "";
    program.stderr?.setEncoding("utf8").on("data", (text: string) => (output += text));
    program.stdout?.resume();
    const reported = () => (output.includes("SSH is refused there") ? true : undefined);
    assert.equal(await poll(reported, { limitMs: 15_000, pauseMs: 10 }), true, output);
    await sshd("up");
    const code = await new Promise((resolve) => program.on("close", resolve));
    assert.equal(code, 0, output);
    assert.equal((await relay.observe()).network.links.get("wg0")?.up, true);
  });

  it("F3: sends nothing to a host with another host key and shows both fingerprints and the command to re-pin", async () => {
    const [target] = requestFor(lab, "relay").targets;
    assert.ok(target?.kind === "ssh");
    const hostKeys = [lab.hostKey("desktop")];
    const hop = { ...target.hop, hostKeys, pinnedAt: "relays.relay.hostKey" };
    const before = lab.logins("relay");
    const startedAt = Date.now();
    const refused = await push(lab, "apply", {
      ...requestFor(lab, "relay"),
      targets: [{ kind: "ssh", hop, via: [] }],
    });
    assert.equal(refused.code, 1);
    // Less than REACH_MS, the time in which logins are retried.
    assertWithin(5, startedAt);
    assert.equal(lab.logins("relay"), before);
    assert.match(refused.stderr, /expected: ssh-ed25519 SHA256:\S+\n +got: +ED25519 SHA256:/);
    assert.match(
      refused.stderr,
      /pulumi config set --path 'wireguard-mesh:relays\.relay\.hostKey' "ssh-ed25519 /,
    );
  });

  it("F4: tries a rejected SSH key only once", async () => {
    const script = "rm -f /tmp/k; ssh-keygen -q -t ed25519 -N '' -f /tmp/k && cat /tmp/k";
    const sshPrivateKey = `${await relay.run(script)}\n`;
    const before = lab.sshLog("relay").length;
    const refused = await push(lab, "apply", { ...requestFor(lab, "relay"), sshPrivateKey });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /accepts none of the SSH keys that were offered/);
    const closed = /^Connection closed by authenticating/gm;
    assert.ok(await waitForLog(lab, "relay", new RegExp(closed, "m"), before));
    assert.equal(lab.sshLog("relay").slice(before).match(closed)?.length, 1);
  });

  it("F12: reports an endpoint whose name has a new address, and the next push updates it", async () => {
    await push(lab, "apply", requestFor(lab, "relay"));
    const desktop = new HostSession(lab, "desktop");
    const name = (address: string): Promise<string> =>
      desktop.run(`sed -i '/vpn.test/d' /etc/hosts; echo '${address} vpn.test' >>/etc/hosts`);
    const wanted: WantedState = {
      config: [
        ...[
          "[Interface]",
          `PrivateKey = ${keyPairFor("desktop").privateKey}`,
          "Address = 10.0.0.2/24",
        ],
        ...[
          "",
          "[Peer]",
          `PublicKey = ${keyPairFor("relay").publicKey}`,
          "AllowedIPs = 10.0.0.1/32",
        ],
        ...["Endpoint = vpn.test:51820", ""],
      ].join("\n"),
    };
    await name("203.0.113.99");
    await desktop.converge(wanted);
    assert.equal((await desktop.apply(wanted)).outcome, "unchanged");
    await name("203.0.113.10");
    const { publicKey } = keyPairFor("relay");
    assert.equal(
      (await desktop.differences(wanted))[0],
      `endpoint of peer ${publicKey} is 203.0.113.99:51820, and no handshake for 180 s; vpn.test:51820 has another address now`,
    );
    assert.equal(await desktop.converge(wanted), "confirmed");
    assert.match(await desktop.run("wg show wg0 endpoints"), /\t203\.0\.113\.10:51820$/);
    assert.equal((await desktop.apply(wanted)).outcome, "unchanged");
  });

  it("F13: pushes to a host with a wrong clock and warns about handshakes", async () => {
    // A fake date: the hosts of a lab share the machine's clock.
    await relay.run(
      `printf '#!/bin/sh\\necho $(($(/bin/date +%%s) - 7200))\\n' >/usr/local/bin/date; chmod 755 /usr/local/bin/date`,
    );
    const done = await push(lab, "apply", requestFor(lab, "relay"));
    await relay.run("rm /usr/local/bin/date");
    assert.equal(done.code, 0, done.stderr);
    assert.match(
      done.stderr,
      /^relay: its clock is 2 h behind this machine's\. WireGuard refuses/m,
    );
  });

  it("leaks no secret", () => leaks.end());
});
