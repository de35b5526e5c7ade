/** An existing subnet that overlaps the tunnel or a LAN. */
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { refuseOverlap } from "../../components/relay-subnet";
import { parsePrefix } from "../../mesh/addresses";

const SUBNET = "subnet-0123456789abcdef0";
const networks = [
  { what: `the subnet ${SUBNET}`, cidrs: ["10.1.2.0/24", ""] },
  { what: "its VPC vpc-1", cidrs: ["10.1.0.0/16", "100.64.0.0/16", "2600:1f14:abc:de00::/56"] },
];

function refusal(cidr: string, label: string): string {
  const inner = [{ prefix: parsePrefix(cidr), label }];
  try {
    refuseOverlap(SUBNET, { relay: "tokyo", inner }, networks);
    return "";
  } catch (problem) {
    assert.ok(pulumi.RunError.isInstance(problem));
    return problem.message;
  }
}

describe("an existing subnet", () => {
  it("is refused if it contains the tunnel", () => {
    assert.equal(
      refusal("10.1.2.128/25", "the tunnel"),
      `relays.tokyo.ec2.subnetId: ${SUBNET} cannot be used: the subnet ${SUBNET} (10.1.2.0/24) overlaps the tunnel (10.1.2.128/25)
  choose another subnet, leave out subnetId for a new VPC, or change network.cidr`,
    );
  });

  for (const [cidr, of, named] of [
    ["10.1.9.0/24", "the tunnel", "its VPC vpc-1 (10.1.0.0/16) overlaps the tunnel (10.1.9.0/24)"],
    ["10.0.0.0/8", "a LAN behind nas", `the subnet ${SUBNET} (10.1.2.0/24) overlaps`],
    [
      "100.64.1.0/24",
      "a LAN behind nas",
      "its VPC vpc-1 (100.64.0.0/16) overlaps a LAN behind nas (100.64.1.0/24)",
    ],
    ["2600:1f14:abc:de01::/64", "the tunnel", "its VPC vpc-1 (2600:1f14:abc:de00::/56)"],
  ] as const) {
    it(`is refused if it or its VPC overlaps ${cidr}, ${of}`, () => {
      assert.ok(refusal(cidr, of).includes(named));
    });
  }

  it("is accepted if it overlaps nothing", () => {
    assert.equal(refusal("10.86.0.0/24", "the tunnel"), "");
  });
});
