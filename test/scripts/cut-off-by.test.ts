/** Whom the end of a key would cut off: hosts that only the tunnel leads to. */
import assert from "node:assert/strict";
import type { PendingKey } from "../../scripts/commands/rotate/pending";
import { cutOffBy, lostByFinish } from "../../scripts/commands/rotate/steps";
import { hostKeyLine } from "../support/key-pairs";
import { nodeIn, planOf } from "../support/plan-of";
import { changed } from "../support/small-network";

const tokyo = { host: "root@203.0.113.10", hostKey: hostKeyLine(0) };
const planWith = (host: string | string[]) =>
  planOf(changed({ relays: { tokyo }, peers: { desktop: { host, hostKey: hostKeyLine(1) } } }));
const lostWith = (name: string, host: string | string[]) => {
  const plan = planWith(host);
  return cutOffBy(nodeIn(plan, name), plan);
};

describe("the end of a key at once", () => {
  it("cuts off a host that only the tunnel leads to: with its own key, and with its relay's", () => {
    for (const name of ["desktop", "tokyo"])
      assert.deepEqual(lostWith(name, "root@via:tokyo"), ["desktop"], name);
  });

  it("is refused where a host has not come over that only the tunnel leads to", () => {
    const plan = planWith("root@via:tokyo");
    const finished = (node: string, waitsFor: PendingKey["waitsFor"]) =>
      lostByFinish([{ node, nextPublicKey: "KEY", waitsFor }], plan);
    assert.deepEqual(finished("desktop", [{ node: "tokyo", why: "silent" }]), ["desktop"]);
    assert.deepEqual(finished("desktop", []), []);
    assert.deepEqual(finished("tokyo", [{ node: "desktop", why: "unreached" }]), ["desktop"]);
    assert.deepEqual(finished("tokyo", [{ node: "laptop", why: "handOver" }]), []);
  });

  it("cuts off nobody who has another way in, nor by the key of somebody else", () => {
    for (const name of ["desktop", "tokyo"])
      assert.deepEqual(lostWith(name, ["root@via:tokyo", "root@192.168.1.20"]), [], name);
    assert.deepEqual(lostWith("laptop", "root@via:tokyo"), []);
  });
});
