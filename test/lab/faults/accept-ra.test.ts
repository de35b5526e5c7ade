/**
 * A host whose IPv6 default route comes from router advertisements keeps it when it forwards, now and after the next boot.
 * The advertisements are real: a router in a namespace of its own sends them. Needs root.
 */
import * as assert from "node:assert/strict";
import { DROP_IN, type WantedState } from "../support/host-protocol";
import { WorkingNetwork } from "../support/working-network";

/** With a dot, like a VLAN's: names of sysctls then need slashes. */
const DEVICE = "lan0.7";

/** Sends one router advertisement (RFC 4861) to all nodes, as a router for half an hour. */
const ADVERTISE = `perl -MSocket -e '
  open(F, "/proc/self/net/if_inet6"); ($index) = map { hex((split)[1]) } grep { / router$/ } <F>;
  socket(S, AF_INET6, SOCK_RAW, 58) or die $!;
  setsockopt(S, 41, 18, pack("i", 255)) or die $!;
  setsockopt(S, 41, 17, pack("i", $index)) or die $!;
  $all = pack_sockaddr_in6(0, pack("H32", "ff02" . "0" x 27 . "1"), $index);
  send(S, pack("CCnCCnNN", 134, 0, 0, 64, 0, 1800, 0, 0), 0, $all) or die $!'`;

describe("a host with a default route by router advertisements", function () {
  this.timeout(120_000);
  let net: WorkingNetwork;
  before(async () => {
    net = await WorkingNetwork.up("test-f-accept-ra");
    await plugIn();
  });
  after(() => net.lab.down());

  const wanted = (): WantedState => ({
    ...net.relayState(),
    forwarding: { ipv4: true, ipv6: true },
  });

  /** Adds a network card whose other end is a router in a namespace of its own. */
  async function plugIn(): Promise<void> {
    await net.relay.run(
      [
        "unshare -n sleep 1000 >/dev/null 2>&1 </dev/null & echo $! >/run/router",
        // Wait until it has left the host's namespace.
        "until grep -q sleep /proc/$!/comm; do sleep 0.02; done",
        `ip link add ${DEVICE} type veth peer name router netns $(cat /run/router)`,
        `ip link set ${DEVICE} up; nsenter -n -t $(cat /run/router) ip link set router up`,
        // Wait until both have their link-local addresses.
        `until ip -6 address show dev ${DEVICE} scope link -tentative | grep -q fe80; do sleep 0.1; done`,
        "until nsenter -n -t $(cat /run/router) ip -6 address show scope link -tentative | grep -q fe80; do sleep 0.1; done",
      ].join("\n"),
    );
  }

  /** Waits until the host has taken a default route from the router, which advertises again and again. */
  async function takesRoute(): Promise<void> {
    await net.relay.waitUntil(
      `nsenter -n -t $(cat /run/router) ${ADVERTISE}; ip -6 route show default | grep 'dev ${DEVICE} proto ra'`,
      20_000,
    );
  }

  const acceptRa = (): Promise<string> =>
    net.relay.run(`cat /proc/sys/net/ipv6/conf/${DEVICE}/accept_ra`);

  it("keeps it when forwarding goes on: accept_ra is 2 before", async () => {
    assert.equal(await acceptRa(), "1");
    await takesRoute();
    await net.undisturbed(async () => {
      assert.equal(await net.relay.converge(wanted()), "confirmed");
    });
    assert.equal(await net.relay.run("cat /proc/sys/net/ipv6/conf/all/forwarding"), "1");
    assert.match(await net.relay.run("ip -6 route show default"), / proto ra /);
    assert.equal(await acceptRa(), "2");
  });

  it("names the device for the next boot, and the next push changes nothing", async () => {
    const lines = (await net.relay.run(`cat ${DROP_IN}`)).split("\n");
    assert.ok(lines.includes(`net/ipv6/conf/${DEVICE}/accept_ra = 2`), lines.join("\n"));
    assert.equal((await net.relay.apply(wanted())).outcome, "unchanged");
  });

  it("has it after the next boot", async () => {
    await net.lab.reboot("relay");
    await plugIn();
    assert.equal(await acceptRa(), "1");
    await net.relay.run(`sysctl -q -p ${DROP_IN}`);
    await takesRoute();
    await net.relay.run("wg-quick up wg0 2>&1");
    assert.equal((await net.relay.apply(wanted())).outcome, "unchanged");
  });

  it("is repaired if the drop-in does not name the device, as on hosts of older versions", async () => {
    await net.relay.run(`sed -i /accept_ra/d ${DROP_IN}`);
    assert.deepEqual(await net.relay.differences(wanted()), [
      "it would not be as planned after a boot: its unit or sysctl file differs",
    ]);
    assert.equal(await net.relay.converge(wanted()), "confirmed");
    assert.match(await net.relay.run(`cat ${DROP_IN}`), /accept_ra = 2/);
  });

  it("is as before when an unconfirmed change is undone", async () => {
    await net.relay.converge(net.relayState());
    await net.relay.run(`echo 1 >/proc/sys/net/ipv6/conf/${DEVICE}/accept_ra`);
    await takesRoute();
    const { token } = await net.relay.apply({ ...wanted(), timeout: 1 });
    await net.relay.waitUntilUndone(token);
    assert.equal(await acceptRa(), "1");
    assert.equal(await net.relay.run("cat /proc/sys/net/ipv6/conf/all/forwarding"), "0");
    assert.match(await net.relay.run("ip -6 route show default"), / proto ra /);
  });

  it("leaks no secret", () => net.leaks.end());
});
