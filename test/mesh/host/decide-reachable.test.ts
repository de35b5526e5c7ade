/** Where a host is while it moves: after each step, at which a kill may leave it. */
import assert from "node:assert/strict";
import { renderChange } from "../../../mesh/host/change";
import { ChangeRun, parseChange } from "./support/change-text";
import { changeOn, neighbour, pushed, RELAY } from "./support/examples";
import { deviceOf, linkOf, type Host } from "./support/host";
import { IFACE } from "./support/observe";
import { currentKey, type RequestDraw } from "./support/requests";

/** All the network is behind its relay. */
const at = (relay: number, address: string): RequestDraw => ({
  ...RELAY,
  ...{ address, port: null },
  neighbours: [
    neighbour(relay, { lans: [0], endpoint: `198.51.100.${relay}:51820`, keepalive: 25 }),
  ],
});
const FORMER = at(1, "10.86.0.1/24");
const NEW = at(2, "10.86.0.9/24");

describe("a host that gets another address and another relay", () => {
  for (const part of ["apply", "undo"] as const) {
    it(`is at one of its two places after each step of the ${part}`, () => {
      const before = pushed(FORMER);
      const pieces = parseChange(renderChange(changeOn(before, NEW)).reveal());
      const steps = (pieces.get(part) ?? []).length;
      assert.ok(steps >= 4, `only ${steps} steps`);
      for (let count = 0; count <= steps; count++) {
        const host = structuredClone(before);
        const run = new ChangeRun(host, pieces);
        if (part === "undo") run.run("apply");
        run.run(part, count);
        assert.ok(isAt(host, FORMER) || isAt(host, NEW), `after step ${count}`);
      }
    });
  }
});

function isAt(host: Host, { address, neighbours: [relay] }: RequestDraw): boolean {
  const key = currentKey(relay?.at ?? 0);
  const hasRelay = deviceOf(host, IFACE).peers.get(key)?.allowedIps.has("192.168.10.0/24") === true;
  return hasRelay && linkOf(host, IFACE).addresses.includes(address);
}
