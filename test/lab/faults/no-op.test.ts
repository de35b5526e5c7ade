/** A change that changes nothing keeps counters, handshakes and roamed endpoints. Needs root. */
import * as assert from "node:assert/strict";
import type { WireGuardDevice } from "../../../mesh/host/wireguard-state";
import { Lab } from "../../../scripts/lab/lab";
import { HostSession, type WantedState } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { keyPairFor, PUSH_WORLD } from "../support/pushing";
import { canPingSoon } from "../support/small-world";

describe("a change without an effect", function () {
  this.timeout(120_000);
  let lab: Lab;
  let leaks: LeakWatch;
  let relay: HostSession;
  let desktop: HostSession;
  /** The desktop is behind a NAT and has no listen port: the relay has its endpoint only from its packets. */
  const desktopState: WantedState = {
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
  const relayState: WantedState = {
    config: [
      ...["[Interface]", `PrivateKey = ${keyPairFor("relay").privateKey}`, "Address = 10.0.0.1/24"],
      ...["ListenPort = 51820", "", "[Peer]", `PublicKey = ${keyPairFor("desktop").publicKey}`],
      // An endpoint that is not the desktop's.
      ...["AllowedIPs = 10.0.0.2/32", "Endpoint = 203.0.113.99:51820", ""],
    ].join("\n"),
  };

  before(async () => {
    lab = await Lab.up(PUSH_WORLD, { id: "test-f-noop" });
    leaks = await LeakWatch.forPushes(lab);
    relay = new HostSession(lab, "relay");
    desktop = new HostSession(lab, "desktop");
    await relay.converge(relayState);
    await desktop.converge(desktopState);
    assert.ok(await canPingSoon(lab, "desktop", "10.0.0.1"));
  });
  after(() => lab.down());

  /** A comment changes the text but not the config, so the complete push runs without a change. */
  const again = (wanted: WantedState, round: number): WantedState => ({
    config: `# ${round}\n${wanted.config}`,
  });

  for (const node of ["relay", "desktop"] as const) {
    it(`keeps counters, handshakes, roamed endpoints and the port on the ${node}`, async () => {
      const [session, wanted] = node === "relay" ? [relay, relayState] : [desktop, desktopState];
      for (let round = 1; round <= 3; round++) {
        const before = await deviceOf(session);
        assert.equal(await session.converge(again(wanted, round)), "confirmed");
        assertKept(before, await deviceOf(session));
      }
      assert.equal(onlyPeer(await deviceOf(relay)).endpoint?.address, "203.0.113.21");
      assert.ok(await canPingSoon(lab, "desktop", "10.0.0.1"));
    });
  }

  it("keeps the socket open even when a peer changes, so that no packet is lost", async () => {
    const before = await sockets("relay");
    assert.notEqual(before, "");
    assert.equal(await relay.converge(again(relayState, 4)), "confirmed");
    const alive = relayState.config.replace("/32\n", "/32\nPersistentKeepalive = 25\n");
    assert.equal(await relay.converge({ config: alive }), "confirmed");
    assert.equal(onlyPeer(await deviceOf(relay)).keepalive, 25);
    assert.equal(await relay.converge(relayState), "confirmed");
    assert.equal(onlyPeer(await deviceOf(relay)).keepalive, 0);
    assert.equal(await sockets("relay"), before);
  });

  it("leaks no secret", () => leaks.end());

  /** The inodes of the sockets on WireGuard's port; a reopened socket has a new one. */
  async function sockets(node: string): Promise<string> {
    const list = `cat /proc/net/udp /proc/net/udp6 | awk '$2 ~ /:CA6C$/ { print $10 }' | sort`;
    return (await lab.exec(node, ["sh", "-c", list])).stdout.trim();
  }

  async function deviceOf(session: HostSession): Promise<WireGuardDevice> {
    const device = (await session.observe()).devices.get("wg0");
    assert.ok(device);
    return device;
  }

  function onlyPeer({ peers }: WireGuardDevice) {
    const [peer, ...more] = peers.values();
    assert.ok(peer !== undefined && more.length === 0);
    return peer;
  }

  function assertKept(before: WireGuardDevice, after: WireGuardDevice): void {
    assert.equal(after.listenPort, before.listenPort);
    const [old, current] = [onlyPeer(before), onlyPeer(after)];
    assert.deepEqual(current.endpoint, old.endpoint);
    assert.equal(current.latestHandshake, old.latestHandshake);
    assert.ok(current.receivedBytes >= old.receivedBytes && current.sentBytes >= old.sentBytes);
    assert.ok(old.receivedBytes > 0 && old.sentBytes > 0);
  }
});
