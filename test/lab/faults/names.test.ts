/** Names in endpoints that do not resolve, do not resolve any more, or are equal to their address. Needs root. */
import * as assert from "node:assert/strict";
import { LIVE } from "../support/host-protocol";
import { keyPairFor } from "../support/pushing";
import { canPingSoon } from "../support/small-world";
import { peerLines, RELAY_ADDRESS, WorkingNetwork } from "../support/working-network";

const FAR = "far.example.org";
const NAMED = "relay.example.org";

describe("a name in an endpoint", function () {
  this.timeout(180_000);
  let net: WorkingNetwork;
  before(async () => {
    net = await WorkingNetwork.up("test-f-names");
  });
  after(() => net.lab.down());

  const far = keyPairFor("far").publicKey;
  const farPeer = peerLines("far", "10.0.0.7/32", `${FAR}:51820`);

  /** Null: the name does not resolve any more. */
  async function resolves(node: string, name: string, address: string | null): Promise<void> {
    const add = address === null ? "" : `; echo '${address} ${name}' >>/etc/hosts`;
    const script = `sed -i '/${name}/d' /etc/hosts${add}`;
    assert.equal((await net.lab.exec(node, ["sh", "-c", script])).code, 0);
  }

  it("of a new peer that does not resolve is a note, and no other peer loses a packet", async () => {
    await net.undisturbed(async () => {
      const { outcome, notes, token, complaint } = await net.relay.apply(
        net.relayState({ peers: farPeer }),
      );
      assert.equal(outcome, "pending", complaint);
      assert.ok(
        notes.some((note) => note.startsWith(`${FAR}, the endpoint of far, does not resolve`)),
        notes.join("\n"),
      );
      assert.equal((await net.relay.confirm(token)).outcome, "confirmed");
    });
    assert.match(
      await net.relay.run("wg show wg0 endpoints"),
      new RegExp(`${regExpOf(far)}\t\\(none\\)`),
    );
    assert.equal((await net.relay.apply(net.relayState({ peers: farPeer }))).outcome, "unchanged");
  });

  it("gets its address with the next push once the name resolves", async () => {
    await resolves("relay", FAR, "203.0.113.77");
    await net.undisturbed(async () => {
      assert.equal(await net.relay.converge(net.relayState({ peers: farPeer })), "confirmed");
    });
    assert.match(await net.relay.run("wg show wg0 endpoints"), /\t203\.0\.113\.77:51820/);
  });

  it("that does not resolve any more: another MTU is set without a restart, on the relay and on peers", async () => {
    await resolves("relay", FAR, null);
    for (const node of ["desktop", "laptop"] as const) {
      await resolves(node, NAMED, RELAY_ADDRESS);
      await net[node].converge(net.peerState(node, { endpoint: `${NAMED}:51820` }));
      await resolves(node, NAMED, null);
    }
    await net.undisturbed(async () => {
      const more = ["MTU = 1380"];
      await net.relay.converge(net.relayState({ more, peers: farPeer }));
      for (const node of ["desktop", "laptop"] as const) {
        const link = await net[node].run("cat /sys/class/net/wg0/ifindex");
        const wanted = net.peerState(node, { endpoint: `${NAMED}:51820`, more });
        assert.equal(await net[node].converge(wanted), "confirmed");
        assert.equal(await net[node].run("cat /sys/class/net/wg0/ifindex"), link);
        assert.equal((await net[node].apply(wanted)).outcome, "unchanged");
      }
    });
    assert.match(await net.relay.run("wg show wg0 endpoints"), /\t203\.0\.113\.77:51820/);
    assert.equal(await net.desktop.run("cat /sys/class/net/wg0/mtu"), "1380");
  });

  it("that does not resolve any more: an unconfirmed change is undone", async () => {
    const before = await net.desktop.snapshot();
    await net.undisturbed(async () => {
      const wanted = net.peerState("desktop", { endpoint: `${NAMED}:51820`, more: ["MTU = 1370"] });
      const { token } = await net.desktop.apply({ ...wanted, timeout: 1 });
      await net.desktop.waitUntilUndone(token);
    });
    assert.equal(await net.desktop.snapshot(), before);
  });

  it("boots without the name server: the file has the address, and the name as a comment", async () => {
    const file = await net.desktop.run(`cat ${LIVE}`);
    assert.match(
      file,
      new RegExp(`^# Endpoint = ${NAMED}:51820\nEndpoint = ${RELAY_ADDRESS}:51820$`, "m"),
    );
    await net.lab.reboot("desktop");
    await net.desktop.run("wg-quick up wg0 2>&1");
    await net.assertWorks();
  });

  it("and its address count as equal: a change from one to the other takes no step on the running system", async () => {
    const numeric = net.peerState("laptop", { more: ["MTU = 1380"] });
    const named = net.peerState("laptop", { endpoint: `${NAMED}:51820`, more: ["MTU = 1380"] });
    await resolves("laptop", NAMED, RELAY_ADDRESS);
    await net.undisturbed(async () => {
      for (const wanted of [numeric, named, numeric]) {
        const plan = await net.laptop.plan(wanted);
        assert.ok(plan.kind === "change", plan.kind);
        assert.deepEqual(plan.change.apply, []);
        const before = await net.laptop.run("wg show wg0 latest-handshakes");
        assert.equal(await net.laptop.converge(wanted), "confirmed");
        assert.equal((await net.laptop.apply(wanted)).outcome, "unchanged");
        assert.equal(await net.laptop.run("wg show wg0 latest-handshakes"), before);
      }
    });
    assert.ok(await canPingSoon(net.lab, "laptop", "10.0.0.2"));
  });

  it("leaks no secret", () => net.leaks.end());
});

function regExpOf(text: string): string {
  return text.replace(/[+/=]/g, "\\$&");
}
