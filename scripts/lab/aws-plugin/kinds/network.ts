/**
 * VPC, subnet, gateway and routes. Which properties replace: terraform-provider-aws, internal/service/ec2/vpc_.go,
 * vpc_subnet.go, vpc_internet_gateway.go, vpc_route_table.go, vpc_route.go, vpc_route_table_association.go (`ForceNew`).
 */
import * as ipaddr from "ipaddr.js";
import { AwsError, type Account, type CloudResource } from "../account";
import { listAt, mapsAt, textAt, type PlainProperties } from "../plain";
import { enforceAll } from "../firewall";
import { arnOf, type, type Kind } from "./kind";

export const vpc: Kind = {
  prefix: "vpc",
  required: [],
  optional: [
    ...["cidrBlock", "assignGeneratedIpv6CidrBlock", "enableDnsHostnames", "enableDnsSupport"],
    ...["instanceTenancy", "tags", "region"],
  ],
  chosen: ["cidrBlock", "enableDnsHostnames", "instanceTenancy", "region"],
  outputs: ["arn", "ipv6CidrBlock", "mainRouteTableId", "defaultSecurityGroupId", "tagsAll"],
  replacing: ["cidrBlock", "region"],
  sets: [],
  create: (_, id, inputs) => ({
    arn: arnOf("vpc", id),
    ipv6CidrBlock: inputs["assignGeneratedIpv6CidrBlock"] === true ? "2001:db8:ec2::/56" : "",
    mainRouteTableId: `rtb-${id.slice(4)}`,
    defaultSecurityGroupId: `sg-${id.slice(4)}`,
  }),
  remove: ({ account }, resource) => {
    refuseWhileUsed(account, resource, [
      ...[type.subnet, type.internetGateway, type.securityGroup, type.routeTable],
    ]);
  },
};

export const subnet: Kind = {
  prefix: "subnet",
  required: ["vpcId"],
  optional: [
    ...["cidrBlock", "ipv6CidrBlock", "availabilityZone", "mapPublicIpOnLaunch"],
    ...["assignIpv6AddressOnCreation", "tags", "region"],
  ],
  chosen: ["cidrBlock", "ipv6CidrBlock", "availabilityZone", "region"],
  outputs: ["arn", "tagsAll"],
  replacing: ["vpcId", "cidrBlock", "availabilityZone", "region"],
  sets: [],
  alsoReplacing: (old, _, changed) =>
    old["assignIpv6AddressOnCreation"] === true
      ? changed.filter((it) => it === "ipv6CidrBlock")
      : [],
  create: ({ account }, id, inputs) => {
    const whole = textAt(
      account.require(type.vpc, textAt(inputs, "vpcId")).properties,
      "cidrBlock",
    );
    const part = textAt(inputs, "cidrBlock");
    if (!isWithin(part, whole)) {
      throw new AwsError(`InvalidSubnet.Range: The CIDR '${part}' is invalid.`);
    }
    return { arn: arnOf("subnet", id), availabilityZone: "lab-1a", ipv6CidrBlock: "" };
  },
  remove: ({ account }, resource) => {
    refuseWhileUsed(account, resource, [type.instance]);
  },
};

export const internetGateway: Kind = {
  prefix: "igw",
  required: [],
  optional: ["vpcId", "tags", "region"],
  chosen: ["vpcId", "region"],
  outputs: ["arn", "ownerId", "tagsAll"],
  replacing: ["region"],
  sets: [],
  create: ({ account }, id, inputs) => {
    if (inputs["vpcId"] !== undefined) account.require(type.vpc, textAt(inputs, "vpcId"));
    return { arn: arnOf("internet-gateway", id), ownerId: "000000000000" };
  },
  remove: ({ account }, resource) => {
    const vpcId = textAt(resource.properties, "vpcId");
    const mapped = account.all(type.eipAssociation).some((one) => {
      return textAt(one.properties, "vpcId") === vpcId;
    });
    if (!mapped) return;
    throw new AwsError(
      `DependencyViolation: Network ${vpcId} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.`,
    );
  },
};

export const routeTable: Kind = {
  prefix: "rtb",
  required: ["vpcId"],
  optional: ["routes", "tags", "region"],
  chosen: ["routes", "region"],
  outputs: ["arn", "ownerId", "tagsAll"],
  replacing: ["vpcId", "region"],
  sets: ["routes"],
  create: ({ account }, id, inputs) => {
    account.require(type.vpc, textAt(inputs, "vpcId"));
    for (const route of mapsAt(inputs, "routes")) requireGateway(account, route);
    return { arn: arnOf("route-table", id), ownerId: "000000000000" };
  },
  update: async ({ lab, account }) => {
    await enforceAll(lab.id, account);
    return {};
  },
  remove: ({ account }, resource) => {
    refuseWhileUsed(account, resource, [type.routeTableAssociation]);
  },
};

export const route: Kind = {
  prefix: "r",
  required: ["routeTableId"],
  optional: ["destinationCidrBlock", "destinationIpv6CidrBlock", "gatewayId", "region"],
  chosen: ["gatewayId", "region"],
  outputs: ["origin", "state"],
  replacing: ["routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock", "region"],
  sets: [],
  create: async ({ lab, account }, _, inputs) => {
    account.require(type.routeTable, textAt(inputs, "routeTableId"));
    requireGateway(account, inputs);
    await enforceAll(lab.id, account);
    return { origin: "CreateRoute", state: "active" };
  },
  removed: ({ lab, account }) => enforceAll(lab.id, account),
};

export const routeTableAssociation: Kind = {
  prefix: "rtbassoc",
  required: ["routeTableId"],
  optional: ["subnetId", "gatewayId", "region"],
  chosen: ["region"],
  outputs: [],
  replacing: ["subnetId", "gatewayId", "region"],
  sets: [],
  create: async ({ lab, account }, _, inputs) => {
    account.require(type.routeTable, textAt(inputs, "routeTableId"));
    account.require(type.subnet, textAt(inputs, "subnetId"));
    await enforceAll(lab.id, account);
    return {};
  },
  removed: ({ lab, account }) => enforceAll(lab.id, account),
};

function requireGateway(account: Account, route: PlainProperties): void {
  account.require(type.internetGateway, textAt(route, "gatewayId"));
}

/** @throws AwsError (DependencyViolation) while a resource of these types refers to this one. */
export function refuseWhileUsed(account: Account, resource: CloudResource, types: string[]): void {
  const user = types
    .flatMap((one) => account.all(one))
    .find(({ properties }) =>
      Object.keys(properties).some((key) => {
        const value = properties[key];
        return value === resource.id || listAt(properties, key).includes(resource.id);
      }),
    );
  if (user === undefined) return;
  throw new AwsError(
    `DependencyViolation: ${resource.id} has dependencies and cannot be deleted: ${user.id}.`,
  );
}

function isWithin(part: string, whole: string): boolean {
  const [address, length] = ipaddr.parseCIDR(part);
  const outer = ipaddr.parseCIDR(whole);
  return length >= outer[1] && address.kind() === outer[0].kind() && address.match(outer);
}
