/** The commands to run on a host, `host.sh remove` and `release`, touch only what wireguard-mesh has made. Needs root. */
import * as assert from "node:assert/strict";
import { STATE } from "../support/host-protocol";
import { leftoversOn } from "../support/mesh-session";
import { WorkingNetwork } from "../support/working-network";

const HOST_SH = `sh ${STATE}/host.sh`;

describe("a command by hand on the host", function () {
  this.timeout(120_000);
  let net: WorkingNetwork;
  before(async () => {
    net = await WorkingNetwork.up("test-f-by-hand");
  });
  after(() => net.lab.down());

  /** Runs a command that has to be refused. @returns its stderr */
  async function refused(command: string): Promise<string> {
    const done = await net.lab.exec("relay", ["sh", "-c", command]);
    assert.notEqual(done.code, 0, done.stdout);
    assert.equal(done.stdout, "");
    return done.stderr;
  }

  it("removes no foreign bridge", async () => {
    await net.relay.run("ip link add br-lan type bridge; ip link set br-lan up");
    await net.undisturbed(async () => {
      for (const verb of ["remove", "release"]) {
        assert.match(
          await refused(`${HOST_SH} ${verb} br-lan`),
          /^error: br-lan was not made by wireguard-mesh; nothing was touched\nremedy: /,
        );
      }
    });
    await net.relay.run("ip link show br-lan up | grep -q br-lan && ip link del br-lan");
  });

  it("removes no foreign WireGuard interface and no foreign file", async () => {
    const shown = "cat /etc/wireguard/wg1.conf; wg show wg1 public-key";
    await net.relay.run(
      "umask 077; printf '[Interface]\\nPrivateKey = %s\\n' $(wg genkey) >/etc/wireguard/wg1.conf; wg-quick up wg1 2>&1",
    );
    const before = await net.relay.run(shown);
    assert.match(await refused(`${HOST_SH} remove wg1`), /^error: wg1 was not made by/);
    assert.equal(await net.relay.run(shown), before);
    await net.relay.run("wg-quick down wg1 2>&1; rm /etc/wireguard/wg1.conf");
  });

  for (const name of [
    "''",
    ".",
    "..",
    "../wg0",
    "wg0/../wg0",
    "a-name-that-is-too-long",
    "'wg 0'",
  ]) {
    it(`refuses ${name}, which is no interface name`, async () => {
      assert.match(await refused(`${HOST_SH} remove ${name}`), /is no interface name/);
      await net.relay.run(`test -f ${STATE}/owner`);
    });
  }

  it("is refused without root", async () => {
    const asUser = "setpriv --reuid=20000 --regid=20000 --clear-groups";
    const copy = "/tmp/host.sh";
    await net.relay.run(`cp ${STATE}/host.sh ${copy}; chmod 644 ${copy}`);
    assert.match(
      await refused(`${asUser} sh ${copy} remove wg0`),
      /^error: not root\nremedy: .*sudo/,
    );
    await net.relay.run(`rm ${copy}; test -f ${STATE}/owner`);
  });

  it("removes the mesh's interface completely, also during a change", async () => {
    const { token } = await net.relay.apply(net.relayState({ more: ["MTU = 1390"] }));
    assert.match(await net.relay.run(`${HOST_SH} remove wg0`), /^wg0 is removed\./);
    const on = (_: string, script: string) => net.relay.run(script);
    assert.deepEqual(await leftoversOn({ on }, "relay"), []);
    assert.equal((await net.relay.confirm(token)).outcome, undefined);
    assert.equal(await net.relay.converge(net.relayState()), "confirmed");
  });

  it("leaks no secret", () => net.leaks.end());
});
