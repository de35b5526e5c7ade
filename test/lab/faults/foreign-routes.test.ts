/** Foreign routes for a prefix that the tunnel needs: refused with the remedy, and nothing is changed. Needs root. */
import * as assert from "node:assert/strict";
import { peerLines, WorkingNetwork } from "../support/working-network";

const PREFIX = "192.168.50.0/24";

describe("a foreign route", function () {
  this.timeout(120_000);
  let net: WorkingNetwork;
  before(async () => {
    net = await WorkingNetwork.up("test-f-routes");
  });
  after(() => net.lab.down());

  const withSite = (more: string[] = []) =>
    net.relayState({ more, peers: peerLines("nas", `10.0.0.8/32, ${PREFIX}`) });

  /** Asserts that a push is refused without an effect, and that it works after the remedy. */
  async function testRefusal(more: string[], expected: RegExp): Promise<void> {
    const before = await net.relay.snapshot();
    const routes = await net.relay.run("ip route");
    let complaint = "";
    await net.undisturbed(async () => {
      const refused = await net.relay.apply(withSite(more));
      assert.equal(refused.code, 1, refused.outcome);
      ({ complaint } = refused);
    });
    assert.match(complaint, expected);
    assert.equal(await net.relay.snapshot(), before);
    assert.equal(await net.relay.run("ip route"), routes);
    const remedy = /sudo (ip route del [^)]*)\)/.exec(complaint)?.[1] ?? "no remedy";
    await net.undisturbed(async () => {
      await net.relay.run(remedy);
      assert.equal(await net.relay.converge(withSite(more)), "confirmed");
    });
    assert.match(await net.relay.run(`ip route show ${PREFIX}`), /dev wg0/);
  }

  it("to a new prefix is named with its gateway, device and protocol", async () => {
    await net.relay.run(`ip route add ${PREFIX} via 203.0.113.1 proto static`);
    await testRefusal(
      [],
      /^this host has another route to 192\.168\.50\.0\/24 \(via 203\.0\.113\.1 dev \S+, proto static\)/,
    );
  });

  it("in place of the tunnel's is named too: the interface stays up, and the other routes stay", async () => {
    await net.relay.run(`ip route replace ${PREFIX} via 203.0.113.1`);
    await testRefusal(
      ["MTU = 1390"],
      /^this host has another route to 192\.168\.50\.0\/24 \(via 203\.0\.113\.1 dev \S+, proto boot\)/,
    );
  });

  for (const [what, add, complaint] of [
    ["a blackhole", `blackhole ${PREFIX}`, /\(blackhole, proto boot\)/],
    ["a route with a metric", `${PREFIX} via 203.0.113.1 metric 50`, /metric 50/],
  ] as const) {
    it(`that is ${what} is named too`, async () => {
      await net.relay.converge(net.relayState());
      await net.relay.run(`ip route add ${add}`);
      await testRefusal([], complaint);
    });
  }

  it("that appears while the change is carried out makes it fail with that prefix, and it is undone", async () => {
    await net.relay.converge(net.relayState());
    const before = await net.relay.snapshot();
    // Right after the observation, before any step.
    await net.relay.run(
      `printf '#!/bin/sh\\n/usr/bin/ip route add ${PREFIX} via 203.0.113.1 2>/dev/null\\nexec /usr/bin/sha256sum "$@"\\n' >/usr/local/bin/sha256sum; chmod 755 /usr/local/bin/sha256sum`,
    );
    await net.undisturbed(async () => {
      const { token } = await net.relay.apply(withSite(["MTU = 1395"]));
      await net.relay.waitUntilUndone(token);
      const failed = await net.relay.confirm(token);
      assert.match(
        failed.complaint,
        /^the change failed on the host and was undone: route add 192\.168\.50\.0\/24 dev wg0: .*File exists\n/,
      );
    });
    await net.relay.run(`rm /usr/local/bin/sha256sum; ip route del ${PREFIX}`);
    assert.equal(await net.relay.snapshot(), before);
  });

  it("leaks no secret", () => net.leaks.end());
});
