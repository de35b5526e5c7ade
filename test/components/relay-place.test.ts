/** A subnet of the user's that collides with what goes into the tunnel. */
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { refuseOverlap } from "../../components/relay-place";
import { parsePrefix } from "../../mesh/addresses";

const SUBNET = "subnet-0123456789abcdef0";
const places = [
  { what: `the subnet ${SUBNET}`, cidrs: ["10.1.2.0/24", ""] },
  { what: "its VPC vpc-1", cidrs: ["10.1.0.0/16", "100.64.0.0/16", "2600:1f14:abc:de00::/56"] },
];

function refusal(cidr: string, of: string): string {
  const inner = [{ prefix: parsePrefix(cidr), of }];
  try {
    refuseOverlap(SUBNET, { relay: "tokyo", inner }, places);
    return "";
  } catch (problem) {
    assert.ok(pulumi.RunError.isInstance(problem));
    return problem.message;
  }
}

describe("a subnet of the user's", () => {
  it("is refused by both names where it holds the tunnel", () => {
    assert.equal(
      refusal("10.1.2.128/25", "the tunnel"),
      `relays.tokyo.ec2.subnetId: ${SUBNET} cannot be used: 10.1.2.0/24, the subnet ${SUBNET}, overlaps 10.1.2.128/25, the tunnel
  choose another subnet, leave subnetId out for a VPC of its own, or move the tunnel: network.cidr`,
    );
  });

  for (const [cidr, of, named] of [
    ["10.1.9.0/24", "the tunnel", "10.1.0.0/16, its VPC vpc-1, overlaps 10.1.9.0/24, the tunnel"],
    ["10.0.0.0/8", "a LAN behind nas", "10.1.2.0/24, the subnet"],
    ["100.64.1.0/24", "a LAN behind nas", "100.64.0.0/16, its VPC vpc-1, overlaps 100.64.1.0/24"],
    ["2600:1f14:abc:de01::/64", "the tunnel", "2600:1f14:abc:de00::/56, its VPC vpc-1"],
  ] as const) {
    it(`is refused where its VPC shares addresses with ${cidr}, ${of}`, () => {
      assert.ok(refusal(cidr, of).includes(named));
    });
  }

  it("is taken where nothing of ours is in it", () => {
    assert.equal(refusal("10.86.0.0/24", "the tunnel"), "");
  });
});
