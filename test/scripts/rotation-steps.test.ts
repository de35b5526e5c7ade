/** Which hosts the end of an old key would cut off: those that are reached only through the tunnel. */
import assert from "node:assert/strict";
import type { PendingKey } from "../../scripts/stack/pending-keys";
import { cutOffBy, lostByFinish } from "../../scripts/stack/rotation-steps";
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

describe("the end of an old key", () => {
  it("cuts off a host that is reached only through the tunnel, whether its own key ends or its relay's", () => {
    for (const name of ["desktop", "tokyo"])
      assert.deepEqual(lostWith(name, "root@via:tokyo"), ["desktop"], name);
  });

  it("would cut off a host that is reached only through the tunnel and does not use the new key yet", () => {
    const plan = planWith("root@via:tokyo");
    const finished = (node: string, waitsFor: PendingKey["waitsFor"]) =>
      lostByFinish([{ node, nextPublicKey: "KEY", waitsFor }], plan);
    assert.deepEqual(finished("desktop", [{ node: "tokyo", why: "silent" }]), ["desktop"]);
    assert.deepEqual(finished("desktop", []), []);
    assert.deepEqual(finished("tokyo", [{ node: "desktop", why: "unreached" }]), ["desktop"]);
    assert.deepEqual(finished("tokyo", [{ node: "laptop", why: "handOver" }]), []);
  });

  it("does not cut off a host that can also be reached directly, or by the key of an unrelated node", () => {
    for (const name of ["desktop", "tokyo"])
      assert.deepEqual(lostWith(name, ["root@via:tokyo", "root@192.168.1.20"]), [], name);
    assert.deepEqual(lostWith("laptop", "root@via:tokyo"), []);
  });
});
