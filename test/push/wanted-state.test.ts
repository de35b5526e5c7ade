/** The wanted state of a host: its lines for the payload, and its digest. */
import * as assert from "node:assert/strict";
import type { PushRequest } from "../../mesh/push-request";
import { digestOf, stateLines } from "../../scripts/push/wanted-state";
import { REQUEST } from "./support/request";

const DIGEST = digestOf(REQUEST);

describe("the digest of a state", () => {
  it("covers interface, config, forwarding and rotation, but not how the host is reached", () => {
    const change = (part: Partial<PushRequest>): string => digestOf({ ...REQUEST, ...part });
    assert.equal(change({ owner: "o", machine: "m", sshPrivateKey: "k", probes: [] }), DIGEST);
    assert.notEqual(change({ interface: "wg1" }), DIGEST);
    assert.notEqual(change({ config: `${REQUEST.config}\n` }), DIGEST);
    assert.notEqual(change({ forwarding: { ipv4: false, ipv6: true } }), DIGEST);
    const rotation = { pairs: [], alternate: null, mustShake: ["K"] };
    assert.notEqual(change({ rotation }), DIGEST);
  });
});

describe("the lines of a state", () => {
  it("have no rotation fields without a rotation", () => {
    const keys = ["forwarding4", "forwarding6", "probes", "instances", "sha256", "config"];
    assert.deepEqual(Object.keys(stateLines(REQUEST)), keys);
  });

  it("have the pairs, the keys that need a handshake, and the second interface", () => {
    const second = { interface: "wg0-next", config: "[Interface]\nPrivateKey = y\n" };
    const pairs = [
      { current: "A", next: "B", allowedIps: ["10.0.0.2/32"] },
      { current: "C", next: "D", allowedIps: [] },
    ];
    const rotation = { pairs, alternate: second, mustShake: ["E", "F"] };
    const lines = stateLines({ ...REQUEST, rotation });
    assert.deepEqual([lines["pairs"], lines["shake"]], ["A:B C:D", "E F"]);
    assert.equal(lines["alternate"], "wg0-next");
    const config = Buffer.from(String(lines["alternate-config"]), "base64").toString();
    assert.equal(config, second.config);
    assert.match(String(lines["alternate-sha256"]), /^[0-9a-f]{64}$/);
  });
});
