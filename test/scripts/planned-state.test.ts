/** The planned state of a host, in a network with a relay on EC2. */
import assert from "node:assert/strict";
import { namesOf } from "../../mesh/host/wanted";
import { Secret } from "../../mesh/secret";
import { NO_INSTANCES } from "../../scripts/stack/host-access";
import { plannedState } from "../../scripts/stack/planned-state";
import { nodeIn, planOf } from "../support/plan-of";
import { changed } from "../support/small-network";

const plan = planOf(
  changed({
    privateKeys: Secret.sealed(),
    sshPrivateKey: Secret.sealed(),
    sshAuthoritySeed: Secret.sealed(),
    presharedKeySeed: Secret.sealed(),
    relays: { tokyo: { endpoint: undefined, ec2: { adminCidrs: ["203.0.113.7/32"] } } },
    peers: { desktop: { host: "local" } },
  }),
);
const desktop = nodeIn(plan, "desktop");
const planned = { plan, owner: "wireguard-mesh/test" };

describe("the planned state of a host", () => {
  it("has the address of an instance as of the last up", () => {
    const facts = { tokyo: { address: "198.51.100.7", instanceId: "i-0abc" } };
    const instances = { ...NO_INSTANCES, facts };
    const { main } = plannedState(desktop, { ...planned, instances }, "");
    assert.equal(main.peers[0]?.endpoint?.text, "198.51.100.7:51820");
  });

  it("has no endpoint at an instance that does not exist yet, and no name to resolve", () => {
    const wanted = plannedState(desktop, { ...planned, instances: NO_INSTANCES }, "");
    assert.equal(wanted.main.peers[0]?.endpoint, null);
    assert.deepEqual(namesOf(wanted), []);
  });

  it("holds no secret", () => {
    const { main } = plannedState(desktop, { ...planned, instances: NO_INSTANCES }, "");
    assert.equal(main.publicKey, desktop.publicKey);
    assert.equal(main.privateKey, null);
    assert.equal(main.peers[0]?.presharedKey?.isSealed, true);
  });
});
