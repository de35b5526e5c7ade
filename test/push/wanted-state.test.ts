/** The digest of a host's wanted state. */
import * as assert from "node:assert/strict";
import type { PushRequest } from "../../mesh/push-request";
import fc from "fast-check";
import * as keys from "../../mesh/keys";
import { Secret } from "../../mesh/secret";
import { digestOf, publicKeyOf, sha256 } from "../../scripts/push/wanted-state";
import { REQUEST } from "./support/request";

const DIGEST = digestOf(REQUEST);

describe("the digest of a state", () => {
  it("covers interface, config, forwarding, rotation, filter and names, but not how the host is reached", () => {
    const change = (part: Partial<PushRequest>): string => digestOf({ ...REQUEST, ...part });
    assert.equal(change({ owner: "o", machine: "m", sshPrivateKey: "k", probes: [] }), DIGEST);
    assert.notEqual(change({ interface: "wg1" }), DIGEST);
    assert.notEqual(change({ config: `${REQUEST.config}\n` }), DIGEST);
    assert.notEqual(change({ forwarding: { ipv4: false, ipv6: true } }), DIGEST);
    const rotation = { pairs: [], alternate: null, mustShake: ["K"] };
    assert.notEqual(change({ rotation }), DIGEST);
    const filters = ["a", "b"].map((filter) => change({ filter }));
    assert.equal(new Set([DIGEST, ...filters, change({ rotation, filter: "a" })]).size, 4);
    const names = { domain: "mesh.internal", nodes: ["host 10.86.0.1"], serves: false };
    assert.notEqual(change({ names }), DIGEST);
    assert.notEqual(change({ names }), change({ names: { ...names, serves: true } }));
  });

  it("is the same as in older versions unless a newer feature is used", () => {
    const state = { interface: "wg0", config: "c\n", forwarding: { ipv4: true, ipv6: false } };
    const text = JSON.stringify(["wg0", "c\n", true, false]);
    assert.equal(digestOf({ ...REQUEST, ...state, rotation: null }), sha256(text));
  });
});

describe("the public key of a private key", () => {
  it("is as in mesh/keys.ts, for clamped keys and others", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const privateKey = Secret.of(Buffer.from(bytes).toString("base64"));
        assert.equal(publicKeyOf(privateKey), keys.publicKeyOf(privateKey));
      }),
    );
  });

  it("is refused for anything else", () => {
    for (const text of ["", "c2VjcmV0", "x".repeat(44)]) {
      assert.throws(() => publicKeyOf(Secret.of(text)), /^Error: not a WireGuard key$/);
    }
  });
});
