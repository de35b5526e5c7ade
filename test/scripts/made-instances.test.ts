/** The way onto an EC2 relay, and through one, for a command that knows only the plan and the stack's outputs. */
import assert from "node:assert/strict";
import { askNodes } from "../../scripts/commands/status/ask-nodes";
import { PushError } from "../../scripts/push/push-error";
import { madeInstances, NONE_MADE } from "../../scripts/stack/made-instances";
import { hostAccess, type Access } from "../../scripts/stack/network";
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

function access(outputs: unknown): Access {
  return { plan, owner: "wireguard-mesh/dev", sshPrivateKey: null, made: madeInstances(outputs) };
}

const TOKYO = {
  user: "admin",
  address: "198.51.100.7",
  port: 22,
  hostKeys: [],
  authority: { publicKey: AUTHORITY, principal: "wireguard-mesh-i-0abc" },
};

describe("the way onto an ec2 relay", () => {
  it("is that of the instance in the outputs, which the authority there vouches for", () => {
    const { targets, machine } = hostAccess(nodeIn(plan, "tokyo"), access(OUTPUTS));
    assert.deepEqual(targets, [{ kind: "ssh", hop: TOKYO, via: [] }]);
    assert.equal(machine, "i-0abc");
  });

  it("is the first part of the way onto a peer behind it", () => {
    const { targets } = hostAccess(nodeIn(plan, "desktop"), access(OUTPUTS));
    assert.deepEqual(
      targets.map((target) => (target.kind === "ssh" ? target.via : [])),
      [[TOKYO]],
    );
  });

  it("is not there before the first up, which is said of each node in its own words", async () => {
    for (const outputs of [{}, { relays: { tokyo: { address: "10.86.0.1" } } }, null]) {
      const answers = await askNodes(plan.nodes, access(outputs));
      assert.deepEqual(Object.fromEntries(answers), {
        tokyo: {
          reachable: false,
          cause: "its EC2 instance was not made yet. To make it: npx wireguard-mesh up",
        },
        desktop: {
          reachable: false,
          cause:
            "the EC2 instance of its relay tokyo was not made yet. To make it: npx wireguard-mesh up",
        },
      });
    }
    assert.throws(() => hostAccess(nodeIn(plan, "tokyo"), access({})), PushError);
  });
});

describe("the outputs of a stack", () => {
  it("name the instances that were made, and nothing of other relays", () => {
    assert.deepEqual(madeInstances(OUTPUTS), {
      facts: { tokyo: { instanceId: "i-0abc", address: "198.51.100.7" } },
      authorityKey: AUTHORITY,
    });
    assert.deepEqual(madeInstances({ relays: { tokyo: { instance: { id: 7 } } } }), NONE_MADE);
  });
});
