/** Endpoints whose names do not resolve: the former address stays. */
import assert from "node:assert/strict";
import { neighbour, pushed, pushedByOlder, RELAY } from "./support/examples";
import { deviceOf, type Host } from "./support/host";
import { boot, configPath } from "./support/hosts";
import { IFACE, SECOND } from "./support/observe";
import { currentKey, NAMES, type RequestDraw } from "./support/requests";
import { assertReached } from "./support/reached";
import { situationOf } from "./support/situations";

const FAR = "far.example.org";
const ROTATING: RequestDraw = {
  ...RELAY,
  neighbours: [
    neighbour(0, { endpoint: NAMES[0] ?? null }),
    neighbour(1, { endpoint: "198.51.100.2:51820" }),
  ],
  second: { key: 21, port: 51821 },
};

describe("an endpoint whose name does not resolve", () => {
  it("is recorded once where only the second interface's file is left", () => {
    const host = pushedByOlder(ROTATING);
    host.files.delete(configPath(IFACE));
    push(host, ROTATING);
    assert.equal(situationOf(host, ROTATING), null);
  });

  it("stays at a second interface that is removed and created again", () => {
    const host = pushed(ROTATING);
    push(host, { ...ROTATING, port: 51821, second: { key: 22, port: 51822 } });
    assert.equal(endpointOf(host, SECOND), "203.0.113.5:51820");
  });

  it("stays where the interface that had the key before last received from the peer", () => {
    const host = pushed({ ...ROTATING, second: null });
    const peer = deviceOf(host, IFACE).peers.get(currentKey(0));
    assert.ok(peer !== undefined);
    Object.assign(peer, { endpoint: "192.0.2.1:4500", handshake: host.now - 30 });
    push(host, { ...ROTATING, ownKey: 21, port: 51821, second: { key: 20, port: 51820 } });
    assert.equal(endpointOf(host, SECOND), "192.0.2.1:4500");
  });

  it("is that of the last push after a boot, at both interfaces", () => {
    const draw = { ...ROTATING, followNames: true };
    const host = pushed(draw);
    host.resolver.set(FAR, ["203.0.113.53"]);
    deviceOf(host, IFACE).port = 52000;
    pushed(draw, host);
    host.resolver.delete(FAR);
    boot(host);
    for (const name of [IFACE, SECOND]) assert.equal(endpointOf(host, name), "203.0.113.53:51820");
  });
});

/** Confirms the change to `draw`, and asserts that it is reached. */
function push(host: Host, draw: RequestDraw): void {
  host.resolver.delete(FAR);
  const situation = situationOf(host, draw);
  assert.ok(situation !== null);
  situation.run("now");
  situation.run("apply");
  assertReached(situation.before, host, situation.request);
  situation.run("commit");
}

function endpointOf(host: Host, name: string): string | null | undefined {
  return deviceOf(host, name).peers.get(currentKey(0))?.endpoint;
}
