/** Which hosts are pushed to before which. */
import assert from "node:assert/strict";
import type { NodePlan, Plan } from "../../../mesh/plan/plan";
import { pushedBefore } from "../../../mesh/plan/push-order";
import { HOST_KEY, keyOf, nodeOf, nodes, planWithKeys } from "../../scripts/support/network";

const node = nodes("tokyo", "osaka", "nas", "shed", "vps");
const host = (at: string) => ({ host: `root@${at}`, hostKey: HOST_KEY });

describe("a push depends on the pushes", () => {
  const network = () =>
    planWithKeys({
      relays: {
        tokyo: node("tokyo", host("203.0.113.10")),
        osaka: node("osaka", host("203.0.113.11")),
      },
      peers: {
        nas: node("nas", host("192.168.1.20")),
        shed: node("shed", { ...host("via:osaka"), relay: "osaka" }),
        vps: node("vps", { ...host("198.51.100.9"), endpoint: "198.51.100.9:51820" }),
      },
    });
  const pushes = (node: NodePlan, { nodes }: Plan) =>
    pushedBefore(
      node,
      nodes.filter(({ kind }) => kind === "relay"),
    ).sort();
  const before = (name: string) => pushes(nodeOf(network(), name), network());

  it("of the relays that the node is linked to or logs in through, and of no other peer", () => {
    assert.deepEqual(before("nas"), ["tokyo"]);
    assert.deepEqual(before("shed"), ["osaka"]);
    assert.deepEqual(before("tokyo"), []);
  });

  it("of all its neighbours, if the node changes to its next key", () => {
    const plan = network();
    const nas = { ...nodeOf(plan, "nas"), nextPublicKey: keyOf("nas 2"), ownKey: "next" as const };
    assert.deepEqual(pushes(nas, plan), ["tokyo", "vps"]);
  });
});
