/** A host between two pushes: it removes an expired peer, and resolves the name of a silent endpoint again. Needs root. */
import * as assert from "node:assert/strict";
import { formatTime } from "../../mesh/config/activity";
import { RUN, STATE, type WantedState } from "./support/host-protocol";
import { keyPairFor } from "./support/pushing";
import { canPing, canPingSoon } from "./support/small-world";
import { RELAY_ADDRESS, WorkingNetwork } from "./support/working-network";

const NAME = "relay.example.org";
const NEW_ADDRESS = "203.0.113.11";
/** The loop, which is what a host without systemd has. */
const LOOP_RUNS = `grep -q ticks /proc/$(cat ${RUN}/ticker)/cmdline`;
const END_TICKER = `old=$(cat ${RUN}/ticker); kill $old; while grep -q -s ticks /proc/$old/cmdline; do sleep 0.05; done`;
/** Seconds from now to the date: enough for a push on a busy machine. */
const AHEAD_S = 15;

describe("a host between two pushes", function () {
  this.timeout(180_000);
  let net: WorkingNetwork;
  before(async () => {
    net = await WorkingNetwork.up("test-dates-names");
  });
  after(() => net.lab.down());

  describe("on a relay, a peer that expires", () => {
    const { publicKey } = keyPairFor("desktop");
    const present = `wg show wg0 peers | grep -q -F ${publicKey}`;
    let wanted: WantedState;
    let expires: number;

    it("works until its date, and is gone within a minute after it, without a push", async () => {
      expires = Number(await net.relay.run("date +%s")) + AHEAD_S;
      wanted = net.relayState({ desktop: [`# Expires = ${formatTime(expires)}`] });
      await net.relay.converge(wanted);
      await net.relay.waitUntil(LOOP_RUNS);
      // Both by the host's clock: before the date the peer must be there.
      const seen = await net.relay.run(`${present} && date +%s`);
      assert.ok(Number(seen) <= expires, `the push took more than ${AHEAD_S} s`);
      assert.equal(await canPingSoon(net.lab, "laptop", "10.0.0.2", 3_000), true);
      await net.relay.waitUntil(`! ${present}`, 75_000);
      const late = Number(await net.relay.run("date +%s")) - expires;
      assert.ok(late >= 0 && late <= 60, `${late} s after the date`);
      assert.equal(await canPing(net.lab, "laptop", "10.0.0.2"), false);
    });

    it("is no drift, and an unchanged push does not add it again", async () => {
      assert.deepEqual(await net.relay.differences(wanted), []);
      assert.equal((await net.relay.apply(wanted)).outcome, "unchanged");
    });

    it("is not added again by a change, nor by its undo", async () => {
      const config = wanted.config.replace("ListenPort", "MTU = 1380\nListenPort");
      const { token, outcome } = await net.relay.apply({ ...wanted, config, timeout: 1 });
      assert.equal(outcome, "pending");
      await net.relay.waitUntilUndone(token);
      await net.relay.run(`! ${present}`);
    });

    it("does not come back with the interface, which wg-quick takes down and up (a stand-in for a reboot)", async () => {
      await net.relay.run(`wg-quick down wg0 2>&1; wg-quick up wg0 2>&1`);
      await net.relay.run(`! ${present}`);
    });

    it("does not come back when the host of the lab boots, where wg-quick up is all that runs", async () => {
      await net.lab.reboot("relay");
      await net.relay.run("sysctl -q -p /etc/sysctl.d/60-wireguard-mesh-wg0.conf");
      await net.relay.run(`! { ${LOOP_RUNS}; }`);
      await net.relay.run(`wg-quick up wg0 2>&1; ! ${present}`);
      await net.relay.waitUntil(LOOP_RUNS);
      assert.deepEqual(await net.relay.differences(wanted), []);
    });

    it("stays once its date is removed from the config, and the loop ends", async () => {
      await net.relay.converge(net.relayState());
      await net.relay.run(
        `${present} && ! ls ${STATE}/tasks 2>/dev/null && ! grep PostUp /etc/wireguard/wg0.conf`,
      );
      await net.relay.waitUntil(`! { ${LOOP_RUNS}; }`);
      // The desktop makes a new handshake only when what it sends gets no answer.
      assert.ok(await canPingSoon(net.lab, "desktop", "10.0.0.3", 60_000));
    });
  });

  describe("on a peer, the name of its relay", () => {
    const named = () => ({
      ...net.peerState("desktop", { endpoint: `${NAME}:51820` }),
      followNames: true as const,
    });
    const endpoint = () => net.desktop.run("wg show wg0 endpoints | cut -f 2");
    const resolvesTo = (address: string) =>
      net.desktop.run(`sed -i '/${NAME}/d' /etc/hosts; echo '${address} ${NAME}' >>/etc/hosts`);

    it("that has another address is left alone while the tunnel works", async () => {
      await resolvesTo(RELAY_ADDRESS);
      await net.desktop.converge(named());
      assert.equal(await canPingSoon(net.lab, "desktop", "10.0.0.3"), true);
      await resolvesTo(NEW_ADDRESS);
      await net.desktop.run(`sh ${STATE}/host.sh tick wg0`);
      assert.equal(await endpoint(), `${RELAY_ADDRESS}:51820`);
    });

    it("F12: is followed once the relay has moved and is silent, without a restart", async () => {
      await resolvesTo(RELAY_ADDRESS);
      const link = await net.desktop.run("cat /sys/class/net/wg0/ifindex");
      // 135 s of silence are 2 s here, and a round comes every second.
      await net.desktop.run(
        `sed -i 's/^every .*/every 1/; s/^silence .*/silence 2/' ${STATE}/tasks; ${END_TICKER}; sh ${STATE}/host.sh tasks wg0`,
      );
      await net.relay.run(
        `set -- $(ip -o -4 addr show to ${RELAY_ADDRESS}); ip addr del ${RELAY_ADDRESS}/24 dev $2; ip addr add ${NEW_ADDRESS}/24 dev $2`,
      );
      const startedAt = Date.now();
      await resolvesTo(NEW_ADDRESS);
      assert.ok(await canPingSoon(net.lab, "desktop", "10.0.0.1", 60_000));
      console.log(`      followed after ${Date.now() - startedAt} ms`);
      assert.equal(await endpoint(), `${NEW_ADDRESS}:51820`);
      assert.equal(await net.desktop.run("cat /sys/class/net/wg0/ifindex"), link);
    });

    it("that was followed is no drift, and an unchanged push touches nothing", async () => {
      await net.desktop.run(
        `sed -i 's/^every .*/every 30/; s/^silence .*/silence 135/' ${STATE}/tasks`,
      );
      assert.deepEqual(await net.desktop.differences(named()), []);
      assert.equal((await net.desktop.apply(named())).outcome, "unchanged");
    });

    it("is dialled at its new address after a boot, though the file has the former one", async () => {
      await net.lab.reboot("desktop");
      await net.desktop.run(`grep -x 'Endpoint = ${RELAY_ADDRESS}:51820' /etc/wireguard/wg0.conf`);
      await net.desktop.run("wg-quick up wg0 2>&1");
      assert.ok(await canPingSoon(net.lab, "desktop", "10.0.0.1", 60_000));
      assert.equal(await endpoint(), `${NEW_ADDRESS}:51820`);
    });

    it("is resolved no more once the host is removed", async () => {
      await net.desktop.waitUntil(LOOP_RUNS);
      const loop = await net.desktop.run(`cat ${RUN}/ticker`);
      assert.equal((await net.desktop.remove()).outcome, "removed");
      await net.desktop.waitUntil(`[ ! -e ${STATE} ] && [ ! -e /proc/${loop} ]`);
    });
  });

  it("leaks no secret", () => net.leaks.end());
});
