/** The law of the change that changes nothing: counters, handshakes and roamed endpoints go on. Needs root. */
import * as assert from "node:assert/strict";
import { Lab } from "../../../scripts/lab/lab";
import type { Facts } from "../../../scripts/push/facts";
import { HostSession, type WantedState } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { keyPairFor, PUSH_WORLD } from "../support/pushing";
import { canPingSoon } from "../support/small-world";

describe("a change with nothing to change", function () {
  this.timeout(120_000);
  let lab: Lab;
  let leaks: LeakWatch;
  let relay: HostSession;
  let desktop: HostSession;
  /** The desktop is behind a NAT and has no listen port: the relay knows it only from where it last came. */
  const desktopWants: WantedState = {
    config: [
      ...[
        "[Interface]",
        `PrivateKey = ${keyPairFor("desktop").privateKey}`,
        "Address = 10.0.0.2/24",
      ],
      ...["", "[Peer]", `PublicKey = ${keyPairFor("relay").publicKey}`, "AllowedIPs = 10.0.0.0/24"],
      ...["Endpoint = 203.0.113.10:51820", "PersistentKeepalive = 25", ""],
    ].join("\n"),
  };
  const relayWants: WantedState = {
    config: [
      ...["[Interface]", `PrivateKey = ${keyPairFor("relay").privateKey}`, "Address = 10.0.0.1/24"],
      ...["ListenPort = 51820", "", "[Peer]", `PublicKey = ${keyPairFor("desktop").publicKey}`],
      // Where it was first; nobody is there.
      ...["AllowedIPs = 10.0.0.2/32", "Endpoint = 203.0.113.99:51820", ""],
    ].join("\n"),
  };

  before(async () => {
    lab = await Lab.up(PUSH_WORLD, { id: "test-f-noop" });
    leaks = await LeakWatch.forPushes(lab);
    relay = new HostSession(lab, "relay");
    desktop = new HostSession(lab, "desktop");
    await relay.converge(relayWants);
    await desktop.converge(desktopWants);
    assert.ok(await canPingSoon(lab, "desktop", "10.0.0.1"));
  });
  after(() => lab.down());

  /** A comment is another text and the same config: the whole way is gone, to no other state. */
  const again = (wanted: WantedState, round: number): WantedState => ({
    config: `# ${round}\n${wanted.config}`,
  });

  for (const node of ["relay", "desktop"] as const) {
    it(`resets nothing on the ${node}: counters, handshakes, roamed endpoints and the port go on`, async () => {
      const [session, wanted] = node === "relay" ? [relay, relayWants] : [desktop, desktopWants];
      for (let round = 1; round <= 3; round++) {
        const before = await session.facts();
        assert.equal(await session.converge(again(wanted, round)), "confirmed");
        assertGoesOn(before, await session.facts());
      }
      assert.equal((await relay.facts()).peers[0]?.endpoint?.split(":")[0], "203.0.113.21");
      assert.ok(await canPingSoon(lab, "desktop", "10.0.0.1"));
    });
  }

  it("leaves the socket open, also when a peer changes: what arrives while it is opened anew is lost", async () => {
    const before = await sockets("relay");
    assert.notEqual(before, "");
    assert.equal(await relay.converge(again(relayWants, 4)), "confirmed");
    const alive = relayWants.config.replace("/32\n", "/32\nPersistentKeepalive = 25\n");
    assert.equal(await relay.converge({ config: alive }), "confirmed");
    assert.equal((await relay.facts()).peers[0]?.persistentKeepalive, 25);
    assert.equal(await relay.converge(relayWants), "confirmed");
    assert.equal((await relay.facts()).peers[0]?.persistentKeepalive, null);
    assert.equal(await sockets("relay"), before);
  });

  it("leaks no secret", () => leaks.end());

  /** Those of WireGuard's port, by inode: one that is opened anew has another. */
  async function sockets(node: string): Promise<string> {
    const list = `cat /proc/net/udp /proc/net/udp6 | awk '$2 ~ /:CA6C$/ { print $10 }' | sort`;
    return (await lab.exec(node, ["sh", "-c", list])).stdout.trim();
  }

  function assertGoesOn(before: Facts, after: Facts): void {
    assert.equal(after.listenPort, before.listenPort);
    assert.equal(after.peers.length, 1);
    const [was, is] = [before.peers[0], after.peers[0]];
    assert.ok(was && is);
    assert.equal(is.endpoint, was.endpoint);
    assert.equal(is.latestHandshake, was.latestHandshake);
    assert.ok(is.receivedBytes >= was.receivedBytes && is.sentBytes >= was.sentBytes);
    assert.ok(was.receivedBytes > 0 && was.sentBytes > 0);
  }
});
