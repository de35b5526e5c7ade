/** The digest of a host's wanted state. */
import * as assert from "node:assert/strict";
import type { PushRequest } from "../../mesh/push-request";
import { digestOf } from "../../scripts/push/wanted-state";
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
