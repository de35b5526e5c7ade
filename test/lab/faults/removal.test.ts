/** A removal leaves forwarding on where other programs may need it, and does not undo a push that came in between. Needs root. */
import * as assert from "node:assert/strict";
import { LIVE, LOCK, type HostSession } from "../support/host-protocol";
import { push } from "../support/pushing";
import { WorkingNetwork } from "../support/working-network";

const FORWARDING = "cat /proc/sys/net/ipv4/ip_forward";

describe("a removal", function () {
  this.timeout(120_000);
  let net: WorkingNetwork;
  let nas: HostSession;
  before(async () => {
    net = await WorkingNetwork.up("test-f-removal");
    // The relay stays; this is about a host beside it.
    nas = net.laptop;
  });
  after(() => net.lab.down());

  const forwarding = () => ({ ...net.peerState("laptop"), forwarding: true });

  beforeEach(async () => {
    await nas.run("echo 0 >/proc/sys/net/ipv4/ip_forward");
  });
  afterEach(() => nas.run("ip link del docker0 2>/dev/null; ip link del wg1 2>/dev/null; true"));

  it("turns off forwarding that wireguard-mesh turned on and nothing else needs", async () => {
    await nas.converge(forwarding());
    assert.equal(await nas.run(FORWARDING), "1");
    assert.deepEqual((await nas.remove()).notes, []);
    assert.equal(await nas.run(FORWARDING), "0");
  });

  it("leaves forwarding on beside Docker, and says so", async () => {
    await nas.converge(forwarding());
    await nas.run("ip link add docker0 type bridge");
    const done = await push(net.lab, "remove", nas.request(forwarding()));
    assert.match(done.stdout, /"removed"/);
    assert.match(done.stderr, /IPv4 forwarding was left on, because docker0 may need it/);
    assert.equal(await nas.run(FORWARDING), "1");
  });

  it("leaves forwarding on beside another tunnel or another network of wireguard-mesh", async () => {
    for (const [user, make, end] of [
      [
        "wg1",
        "ip link add wg1 type wireguard 2>/dev/null || wireguard-go wg1 2>/dev/null",
        "ip link del wg1",
      ],
      [
        "wg2",
        "mkdir /var/lib/wireguard-mesh/wg2; printf 'p/s\\nn\\nm\\n' >/var/lib/wireguard-mesh/wg2/owner",
        "rm -r /var/lib/wireguard-mesh/wg2",
      ],
    ] as const) {
      await nas.run("echo 0 >/proc/sys/net/ipv4/ip_forward");
      await nas.converge(forwarding());
      await nas.run(make);
      const { outcome, notes } = await nas.remove();
      assert.equal(outcome, "removed");
      assert.deepEqual(notes, [`IPv4 forwarding was left on, because ${user} may need it`]);
      assert.equal(await nas.run(FORWARDING), "1");
      await nas.run(end);
    }
  });

  it("leaves forwarding alone that was on before", async () => {
    await nas.run("echo 1 >/proc/sys/net/ipv4/ip_forward");
    await nas.converge(forwarding());
    await nas.remove();
    assert.equal(await nas.run(FORWARDING), "1");
  });

  it("leaves forwarding on beside Docker also when a push removes only forwarding, with a note", async () => {
    await nas.converge(forwarding());
    await nas.run("ip link add docker0 type bridge");
    const { token, notes } = await nas.apply(net.peerState("laptop"));
    assert.equal(notes[0], "IPv4 forwarding was left on, because docker0 may need it");
    assert.equal((await nas.confirm(token)).outcome, "confirmed");
    assert.equal(await nas.run(FORWARDING), "1");
    assert.equal((await nas.apply(net.peerState("laptop"))).outcome, "unchanged");
  });

  it("does not undo a push that came between its login and its clean-up", async () => {
    await nas.converge(net.peerState("laptop"));
    // The clean-up is started late.
    await nas.run(
      'printf \'#!/bin/sh\\ncase "$*" in *tear-down*) until [ -e /run/go ]; do sleep 0.1; done ;; esac\\nexec /usr/bin/setsid "$@"\\n\' >/usr/local/bin/setsid; chmod 755 /usr/local/bin/setsid',
    );
    const removal = nas.remove();
    await nas.waitUntil("pgrep -f '[s]etsid sh .*tear-down'");
    await nas.waitUntil(`flock -n ${LOCK} true`);
    const wanted = net.peerState("laptop", { more: ["MTU = 1390"] });
    assert.equal(await nas.converge(wanted), "confirmed");
    assert.match((await removal).complaint, /^the clean-up did not come to an end within 10 s/);
    await nas.run("touch /run/go");
    await nas.waitUntil("! pgrep -f '[t]ear-down'");
    assert.match(await nas.run(`cat ${LIVE}`), /MTU = 1390/);
    assert.equal((await nas.apply(wanted)).outcome, "unchanged");
    await nas.run("rm /run/go /usr/local/bin/setsid");
  });

  it("leaks no secret", () => net.leaks.end());
});
