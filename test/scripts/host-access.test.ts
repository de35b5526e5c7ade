/** How a command logs in to an EC2 relay, and through one, according to the plan and the stack's outputs. */
import assert from "node:assert/strict";
import { formatWay } from "../../scripts/push/attempt";
import { PushError } from "../../scripts/push/push-error";
import { queryHosts } from "../../scripts/stack/query-hosts";
import {
  hostAccess,
  instancesIn,
  NO_INSTANCES,
  interactiveAccess,
  type Access,
} from "../../scripts/stack/host-access";
import type { Outputs } from "../../scripts/stack/outputs";
import { Secret } from "../../mesh/secret";
import { hostKeyLine } from "../support/key-pairs";
import { nodeIn, planOf } from "../support/plan-of";
import { changed } from "../support/small-network";

const AUTHORITY = "ssh-ed25519 AAAAauthority";
const plan = planOf(
  changed({
    privateKeys: Secret.sealed(),
    sshPrivateKey: Secret.sealed(),
    sshAuthoritySeed: Secret.sealed(),
    relays: {
      tokyo: {
        host: undefined,
        hostKey: undefined,
        endpoint: undefined,
        ec2: { adminCidrs: ["203.0.113.7/32"] },
      },
    },
    peers: { desktop: { host: "taro@via:tokyo", hostKey: hostKeyLine(1) } },
  }),
);
const OUTPUTS = {
  relays: {
    tokyo: { address: "10.86.0.1", instance: { id: "i-0abc", address: "198.51.100.7" } },
    osaka: { address: "10.86.0.9" },
  },
  configs: "[secret]",
  sshAuthority: AUTHORITY,
};

function access(outputs: Outputs): Access {
  return {
    plan,
    owner: "wireguard-mesh/dev",
    sshPrivateKey: null,
    instances: instancesIn(outputs),
  };
}

const TOKYO = {
  user: "admin",
  address: "198.51.100.7",
  port: 22,
  hostKeys: [],
  authority: { publicKey: AUTHORITY, principal: "wireguard-mesh-i-0abc" },
};

describe("the login to an ec2 relay", () => {
  it("uses the instance and the SSH authority in the outputs", () => {
    const { targets, machine } = hostAccess(nodeIn(plan, "tokyo"), access(OUTPUTS));
    assert.deepEqual(targets, [{ kind: "ssh", hop: TOKYO, via: [] }]);
    assert.equal(machine, "i-0abc");
  });

  it("is the jump for a peer that is reached through the relay", () => {
    const { targets } = hostAccess(nodeIn(plan, "desktop"), access(OUTPUTS));
    assert.deepEqual(
      targets.map((target) => (target.kind === "ssh" ? target.via : [])),
      [[TOKYO]],
    );
  });

  it("fails before the first up, with a message for each node", async () => {
    for (const outputs of [{}, { relays: { tokyo: { address: "10.86.0.1" } } }]) {
      const answers = await queryHosts(plan.nodes, access(outputs));
      assert.deepEqual(Object.fromEntries(answers), {
        tokyo: {
          reachable: false,
          cause: "its EC2 instance does not exist yet. To create it: npx wireguard-mesh up",
          ways: [],
        },
        desktop: {
          reachable: false,
          cause:
            "the EC2 instance of its relay tokyo does not exist yet. To create it: npx wireguard-mesh up",
          ways: [],
        },
      });
    }
    assert.throws(() => hostAccess(nodeIn(plan, "tokyo"), access({})), PushError);
  });
});

describe("the login for ssh", () => {
  const ways = (name: string, outputs: Outputs): string[] =>
    interactiveAccess(nodeIn(plan, name), access(outputs), false).targets.map(formatWay);

  it("has the address and the tunnel of an EC2 relay, with the certificate of its instance", () => {
    const { targets } = interactiveAccess(nodeIn(plan, "tokyo"), access(OUTPUTS), false);
    const tunnel = { ...TOKYO, address: "10.86.0.1" };
    assert.deepEqual(targets, [
      { kind: "ssh", hop: TOKYO, via: [] },
      { kind: "ssh", hop: tunnel, via: [] },
    ]);
  });

  it("leaves out targets through a relay that does not exist yet, and fails if no other is left", () => {
    const through = "taro@10.86.0.2 via admin@198.51.100.7";
    assert.deepEqual(ways("desktop", OUTPUTS), [through, "taro@10.86.0.2"]);
    assert.deepEqual(ways("desktop", {}), ["taro@10.86.0.2"]);
    assert.throws(() => ways("tokyo", {}), PushError);
  });
});

describe("the outputs of a stack", () => {
  it("have the instances of ec2 relays, and nothing for other relays", () => {
    assert.deepEqual(instancesIn(OUTPUTS), {
      facts: { tokyo: { instanceId: "i-0abc", address: "198.51.100.7" } },
      authorityKey: AUTHORITY,
    });
    assert.deepEqual(instancesIn({ relays: { tokyo: { instance: { id: 7 } } } }), NO_INSTANCES);
  });
});
