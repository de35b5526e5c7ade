/**
 * Which changes replace a resource and which update it in place, according to terraform-provider-aws,
 * internal/service/ec2: `ForceNew`, `RequiresReplace` and ForceNewIf in the file that each case names.
 */
import * as assert from "node:assert/strict";
import { differences, failures } from "../../scripts/lab/aws-plugin/check";
import { kinds } from "../../scripts/lab/aws-plugin/kinds";
import { type, type Kind } from "../../scripts/lab/aws-plugin/kinds/kind";
import { UNKNOWN, type PlainProperties } from "../../scripts/lab/aws-plugin/plain";

const IN_PLACE: string[] = [];
const NO_CHANGE = null;

interface Case {
  kind: string;
  old?: PlainProperties;
  next: PlainProperties;
  /** The properties that replace; empty: updated in place; null: no change. */
  replaces: string[] | null;
}

const INSTANCE: PlainProperties = {
  ami: "ami-1",
  instanceType: "t4g.nano",
  subnetId: "subnet-1",
  userData: "#cloud-config",
  vpcSecurityGroupIds: ["sg-1", "sg-2"],
  rootBlockDevice: { encrypted: true, volumeSize: 8, volumeType: "gp3" },
  metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 },
  tags: { Name: "tokyo" },
};

/** A change of some properties of an instance. */
function instance(change: PlainProperties, replaces: Case["replaces"]): Case {
  return { kind: type.instance, old: INSTANCE, next: { ...INSTANCE, ...change }, replaces };
}

const cases: Record<string, Case[]> = {
  "ec2_instance.go": [
    instance({}, NO_CHANGE),
    instance({ ami: "ami-2" }, ["ami"]),
    instance({ subnetId: "subnet-2" }, ["subnetId"]),
    instance({ keyName: "mine" }, ["keyName"]),
    instance({ privateIp: "10.0.0.9" }, ["privateIp"]),
    instance({ associatePublicIpAddress: true }, ["associatePublicIpAddress"]),
    instance({ instanceType: "t4g.micro" }, IN_PLACE),
    instance({ tags: { Name: "osaka" } }, IN_PLACE),
    instance({ disableApiTermination: true }, IN_PLACE),
    instance({ metadataOptions: { httpTokens: "optional" } }, IN_PLACE),
    instance({ vpcSecurityGroupIds: ["sg-3"] }, IN_PLACE),
    instance({ vpcSecurityGroupIds: ["sg-2", "sg-1"] }, NO_CHANGE),
    instance({ userData: "#cloud-config\nother" }, IN_PLACE),
    instance({ userData: "#cloud-config\nother", userDataReplaceOnChange: true }, ["userData"]),
    instance({ userDataReplaceOnChange: true }, IN_PLACE),
    instance({ rootBlockDevice: { encrypted: true, volumeSize: 16, volumeType: "gp3" } }, IN_PLACE),
    instance({ rootBlockDevice: { encrypted: false, volumeSize: 8, volumeType: "gp3" } }, [
      "rootBlockDevice",
    ]),
    instance({ subnetId: UNKNOWN }, ["subnetId"]),
  ],
  "vpc_.go": [
    change(type.vpc, { cidrBlock: "10.0.0.0/24" }, { cidrBlock: "10.0.1.0/24" }, ["cidrBlock"]),
    change(type.vpc, {}, { enableDnsHostnames: true }, IN_PLACE),
    change(type.vpc, {}, { assignGeneratedIpv6CidrBlock: true }, IN_PLACE),
  ],
  "vpc_subnet.go": [
    change(type.subnet, { vpcId: "vpc-1" }, { vpcId: "vpc-2" }, ["vpcId"]),
    change(type.subnet, { cidrBlock: "10.0.0.0/28" }, { cidrBlock: "10.0.0.0/27" }, ["cidrBlock"]),
    change(type.subnet, {}, { mapPublicIpOnLaunch: true }, IN_PLACE),
    change(type.subnet, { ipv6CidrBlock: "a::/64" }, { ipv6CidrBlock: "b::/64" }, IN_PLACE),
    change(
      type.subnet,
      { ipv6CidrBlock: "a::/64", assignIpv6AddressOnCreation: true },
      { ipv6CidrBlock: "b::/64", assignIpv6AddressOnCreation: true },
      ["ipv6CidrBlock"],
    ),
  ],
  "vpc_internet_gateway.go": [
    change(type.internetGateway, { vpcId: "vpc-1" }, { vpcId: "vpc-2" }, IN_PLACE),
  ],
  "vpc_route_table.go": [
    change(type.routeTable, { vpcId: "vpc-1" }, { vpcId: "vpc-2" }, ["vpcId"]),
    change(type.routeTable, { routes: [] }, { routes: [{ cidrBlock: "0.0.0.0/0" }] }, IN_PLACE),
  ],
  "vpc_route.go": [
    change(type.route, { routeTableId: "rtb-1" }, { routeTableId: "rtb-2" }, ["routeTableId"]),
    change(type.route, { gatewayId: "igw-1" }, { gatewayId: "igw-2" }, IN_PLACE),
  ],
  "vpc_route_table_association.go": [
    change(type.routeTableAssociation, { subnetId: "a" }, { subnetId: "b" }, ["subnetId"]),
    change(type.routeTableAssociation, { routeTableId: "a" }, { routeTableId: "b" }, IN_PLACE),
  ],
  "vpc_security_group.go": [
    change(type.securityGroup, { name: "a" }, { name: "b" }, ["name"]),
    change(type.securityGroup, { description: "a" }, { description: "b" }, ["description"]),
    change(type.securityGroup, { vpcId: "vpc-1" }, { vpcId: "vpc-2" }, ["vpcId"]),
    change(type.securityGroup, { ingress: [{ fromPort: 22 }] }, { ingress: [] }, IN_PLACE),
    change(
      type.securityGroup,
      { ingress: [{ fromPort: 22 }, { fromPort: 80 }] },
      { ingress: [{ fromPort: 80 }, { fromPort: 22 }] },
      NO_CHANGE,
    ),
  ],
  "vpc_security_group_ingress_rule.go": [
    change(type.ingressRule, { cidrIpv4: "10.0.0.1/32" }, { cidrIpv4: "10.0.0.2/32" }, IN_PLACE),
    change(type.ingressRule, { securityGroupId: "a" }, { securityGroupId: "b" }, [
      "securityGroupId",
    ]),
    change(type.ingressRule, { cidrIpv4: "10.0.0.1/32" }, { cidrIpv6: "fd00::/8" }, [
      ...["cidrIpv4", "cidrIpv6"],
    ]),
  ],
  "ec2_eip.go": [
    change(type.eip, { tags: {} }, { tags: { Name: "tokyo" } }, IN_PLACE),
    change(type.eip, { domain: "vpc" }, { domain: "standard" }, ["domain"]),
    change(type.eip, { domain: "vpc" }, {}, NO_CHANGE),
  ],
  "ec2_eip_association.go": [
    change(type.eipAssociation, { instanceId: "i-1" }, { instanceId: UNKNOWN }, ["instanceId"]),
    change(type.eipAssociation, { allocationId: "a" }, { allocationId: "b" }, ["allocationId"]),
    change(type.eipAssociation, {}, { allowReassociation: true }, ["allowReassociation"]),
  ],
};

function change(
  kind: string,
  old: PlainProperties,
  next: PlainProperties,
  replaces: Case["replaces"],
): Case {
  return { kind, old, next, replaces };
}

describe("the stand-in for the aws plugin: diff", () => {
  for (const [file, all] of Object.entries(cases)) {
    for (const { kind, old = {}, next, replaces } of all) {
      it(`${file}: ${changeText(old, next)} ${verdict(replaces)}`, () => {
        const found = differences(kindOf(kind), old, next);
        const replacing = found.filter((it) => it.replaces).map(({ property }) => property);
        assert.deepEqual(found.length === 0 ? null : replacing, replaces);
      });
    }
  }

  it("is tested for every resource kind", () => {
    const tested = new Set(Object.values(cases).flatMap((all) => all.map(({ kind }) => kind)));
    // Ingress and egress rules share one implementation.
    assert.deepEqual(
      [...kinds.keys()].filter((kind) => !tested.has(kind)),
      [type.egressRule],
    );
  });
});

describe("the stand-in for the aws plugin: check", () => {
  const rejected: [kind: string, inputs: PlainProperties, property: string][] = [
    [type.instance, { ...INSTANCE, instancetype: "t4g.nano" }, "instancetype"],
    [type.instance, { ...INSTANCE, ami: null }, "ami"],
    [type.instance, { ...INSTANCE, userData: "x".repeat(16 * 1024 + 1) }, "userData"],
    [type.securityGroup, { name: "sg-tokyo", description: "a" }, "name"],
    [type.securityGroup, { name: "tokyo", description: "it's" }, "description"],
    [type.ingressRule, { securityGroupId: "sg-1", ipProtocol: "tcp" }, "cidrIpv4"],
    [type.routeTable, {}, "vpcId"],
  ];
  for (const [kind, inputs, property] of rejected) {
    it(`rejects a wrong ${property} of ${kind.split(":").at(-1) ?? ""}`, () => {
      const set = Object.entries(inputs).filter(([, value]) => value !== null);
      const found = failures(kindOf(kind), Object.fromEntries(set));
      assert.deepEqual(
        found.map((failure) => failure.property),
        [property],
      );
    });
  }

  it("accepts a valid instance", () => {
    assert.deepEqual(failures(kindOf(type.instance), INSTANCE), []);
  });
});

function kindOf(token: string): Kind {
  const kind = kinds.get(token);
  assert.ok(kind, token);
  return kind;
}

function verdict(replaces: Case["replaces"]): string {
  if (replaces === null) return "is no change";
  return replaces.length === 0 ? "is updated in place" : "replaces";
}

function changeText(old: PlainProperties, next: PlainProperties): string {
  const names = [...new Set([...Object.keys(old), ...Object.keys(next)])];
  const changed = names.filter((name) => JSON.stringify(old[name]) !== JSON.stringify(next[name]));
  return (
    changed.map((name) => `${name} = ${JSON.stringify(next[name] ?? null)}`).join(", ") ||
    "the same"
  );
}
