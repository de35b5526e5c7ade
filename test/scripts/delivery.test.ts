/** Which devices have an outdated config, and why: by the record in the stack file. */
import assert from "node:assert/strict";
import { renderRedacted } from "../../mesh/render/render";
import {
  deliveryOf,
  fingerprintOf,
  needingConfig,
  outdatedDeliveries,
} from "../../mesh/render/delivery";
import { keyPair } from "../support/key-pairs";
import { nodeIn, planOf } from "../support/plan-of";
import { changed } from "../support/small-network";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH2QHirFGR5gOtWq850qpHAs2tgD5nug7O6E0kI60fqd";
const before = changed({ relays: { tokyo: { host: "root@203.0.113.10", hostKey } } });

describe("a delivered config", () => {
  const plan = planOf(before);
  const laptop = nodeIn(plan, "laptop");
  const given = renderRedacted(laptop, plan.network).replace("(hidden)", keyPair(2).privateKey);
  const delivered = { laptop: deliveryOf(given, laptop, plan) };

  it("is recorded as a fingerprint and public keys, without a secret", () => {
    assert.match(delivered.laptop.config, /^[0-9a-f]{16}$/);
    assert.deepEqual(delivered.laptop.knows, { tokyo: keyPair(0).publicKey });
    assert.deepEqual(outdatedDeliveries(plan, delivered), []);
  });

  it("is outdated when a relay has another key", () => {
    const moved = changed({
      relays: {
        tokyo: { host: "root@203.0.113.10", hostKey, nextPublicKey: keyPair(9).publicKey },
      },
    });
    assert.deepEqual(outdatedDeliveries(planOf(moved), delivered), [
      { node: "laptop", why: ["tokyo has another key now"] },
    ]);
  });

  it("has no key for a neighbour that it does not list, even if its name is constructor", () => {
    const named = planOf({
      relays: {
        constructor: {
          address: "10.86.0.1",
          publicKey: keyPair(0).publicKey,
          host: "root@203.0.113.10",
          hostKey,
        },
      },
      peers: { laptop: { address: "10.86.0.3", publicKey: keyPair(2).publicKey } },
    });
    assert.deepEqual(outdatedDeliveries(named, delivered), [
      { node: "laptop", why: ["its config has changed"] },
    ]);
  });

  it("is outdated when anything else in it changes", () => {
    const larger = changed({ network: { mtu: 1380 } });
    assert.deepEqual(outdatedDeliveries(planOf(larger), delivered), [
      { node: "laptop", why: ["its config has changed"] },
    ]);
  });

  it("counts as missing when the record is missing or has another format", () => {
    const strange = { laptop: "yesterday", desktop: { config: 7 } };
    const never = { node: "laptop", why: ["it was not given its config yet"] };
    for (const record of [undefined, strange]) {
      assert.deepEqual(needingConfig(plan, record, new Map([["laptop", "0123456789abcdef"]])), [
        never,
      ]);
      assert.deepEqual(needingConfig(plan, record, new Map()), [], "there is none yet");
      assert.deepEqual(outdatedDeliveries(plan, record), []);
    }
  });

  it("is outdated when only a secret in it has changed", () => {
    const other = fingerprintOf(`${given} with another secret`);
    for (const [file, why] of [
      [fingerprintOf(given), []],
      [other, [{ node: "laptop", why: ["its own key or preshared keys have changed"] }]],
    ] as const) {
      assert.deepEqual(needingConfig(plan, delivered, new Map([["laptop", file]])), why);
    }
  });
});
