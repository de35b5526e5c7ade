/** A peer whose machine was replaced gets a new session only by a change that can be undone. Needs root. */
import * as assert from "node:assert/strict";
import { APPLIED, RUN } from "../support/host-protocol";
import { keyPairFor } from "../support/pushing";
import { WorkingNetwork } from "../support/working-network";

describe("a session that has to be renewed", function () {
  this.timeout(120_000);
  let net: WorkingNetwork;
  before(async () => {
    net = await WorkingNetwork.up("test-f-session");
    assert.equal(await net.relay.converge(withInstance("i-1")), "confirmed");
  });
  after(() => net.lab.down());

  const key = keyPairFor("desktop").publicKey;
  const withInstance = (instance: string, more: string[] = []) => ({
    ...net.relayState({ more }),
    instances: [`${instance}:${key}`],
  });

  const handshake = (): Promise<string> =>
    net.relay.run(`wg show wg0 latest-handshakes | grep -F ${key} | cut -f 2`);

  it("is kept when the push is refused", async () => {
    await net.relay.run("ip route add 192.168.50.0/24 via 203.0.113.1");
    const wanted = withInstance("i-2");
    const refusedBy = { ...wanted, owner: "wireguard-mesh/another" };
    await net.undisturbed(async () => {
      assert.match((await net.relay.apply(refusedBy)).complaint, /belongs to \w+ of stack/);
    });
    await net.relay.run("ip route del 192.168.50.0/24");
    assert.notEqual(await handshake(), "0");
  });

  it("is kept when the change is damaged, or its message cut", async () => {
    await net.undisturbed(async () => {
      for (const damage of [
        (message: string) => message.replace("apply", "oops!"),
        (message: string) => message.slice(0, message.length / 2),
        () => "",
      ]) {
        const { outcome } = await net.relay.apply({ ...withInstance("i-2"), damage });
        assert.equal(outcome, undefined);
      }
    });
  });

  it("is kept when the program that begins the change is killed before its supervisor runs", async () => {
    await net.relay.run(
      "printf '#!/bin/sh\\nexit 1\\n' >/usr/local/bin/setsid; chmod 755 /usr/local/bin/setsid",
    );
    await net.undisturbed(async () => {
      const { token } = await net.relay.apply(withInstance("i-2"));
      assert.equal((await net.relay.confirm(token)).outcome, undefined);
      assert.equal(await net.relay.run(`[ -e ${APPLIED} ] || echo not-begun`), "not-begun");
    });
    await net.relay.run("rm /usr/local/bin/setsid");
    assert.equal((await net.relay.apply(withInstance("i-1"))).outcome, "unchanged");
  });

  it("is made again when the change is undone: the peer is as before, and answers", async () => {
    const before = await net.relay.snapshot();
    const { token } = await net.relay.apply({ ...withInstance("i-2"), timeout: 2 });
    await net.relay.waitUntil(`[ -e ${APPLIED} ] || [ -e ${RUN}/rolled-back ]`);
    await net.relay.waitUntilUndone(token);
    assert.equal(await net.relay.snapshot(), before);
    await net.assertWorks();
    assert.notEqual(await handshake(), "0");
  });

  it("is renewed at once by a push that is confirmed, and only once", async () => {
    assert.equal(await net.relay.converge(withInstance("i-2")), "confirmed");
    await net.relay.waitUntil(
      `[ "$(wg show wg0 latest-handshakes | grep -F ${key} | cut -f 2)" != 0 ]`,
      // The first message of a handshake, if lost, is sent again after 5 s.
      12_000,
    );
    await net.assertWorks();
    await net.undisturbed(async () => {
      assert.equal((await net.relay.apply(withInstance("i-2"))).outcome, "unchanged");
      assert.equal(await net.relay.converge(withInstance("i-2", ["MTU = 1390"])), "confirmed");
    });
  });

  it("leaks no secret", () => net.leaks.end());
});
