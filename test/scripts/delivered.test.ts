/** Which device has a config that is out of date, and in what: from the record in the stack file. */
import assert from "node:assert/strict";
import { renderRedacted } from "../../mesh/render/render";
import { deliveryOf } from "../../mesh/render/delivery";
import { outdatedDeliveries } from "../../scripts/stack/delivered";
import { keyPair } from "../support/key-pairs";
import { nodeIn, planOf } from "../support/plan-of";
import { changed } from "../support/small-network";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH2QHirFGR5gOtWq850qpHAs2tgD5nug7O6E0kI60fqd";
const before = changed({ relays: { tokyo: { host: "root@203.0.113.10", hostKey } } });

describe("the config that a device was given", () => {
  const plan = planOf(before);
  const laptop = nodeIn(plan, "laptop");
  const given = renderRedacted(laptop, plan.network).replace("(hidden)", keyPair(2).privateKey);
  const delivered = { laptop: deliveryOf(given, laptop, plan) };

  it("is known by a fingerprint and public keys, and by no secret", () => {
    assert.match(delivered.laptop.config, /^[0-9a-f]{16}$/);
    assert.deepEqual(delivered.laptop.knows, { tokyo: keyPair(0).publicKey });
    assert.deepEqual(outdatedDeliveries(plan, { ...before, delivered }), []);
  });

  it("is out of date when a relay has another key, and that is said", () => {
    const moved = changed({
      relays: {
        tokyo: { host: "root@203.0.113.10", hostKey, nextPublicKey: keyPair(9).publicKey },
      },
    });
    assert.deepEqual(outdatedDeliveries(planOf(moved), { ...moved, delivered }), [
      { node: "laptop", why: ["tokyo has another key now"] },
    ]);
  });

  it("is out of date when anything else in it changes", () => {
    const larger = changed({ network: { mtu: 1380 } });
    assert.deepEqual(outdatedDeliveries(planOf(larger), { ...larger, delivered }), [
      { node: "laptop", why: ["its config has changed"] },
    ]);
  });

  it("is nobody's business where it was never recorded, or by somebody else's hand", () => {
    const strange = { laptop: "yesterday", desktop: { config: 7 } };
    assert.deepEqual(outdatedDeliveries(plan, before), []);
    assert.deepEqual(outdatedDeliveries(plan, { ...before, delivered: strange }), []);
  });
});
