/** Where a relay's instance stands: in a VPC of its own, or in a subnet of the user's that collides with nothing of ours. */
import * as ec2 from "@pulumi/aws/ec2";
import * as pulumi from "@pulumi/pulumi";
import { overlaps, parsePrefix, type Prefix } from "../mesh/addresses";
import type { Ec2Spec } from "../mesh/config/ec2";
import type { InnerPrefix } from "../mesh/config/inner-prefixes";
import { lookedUp } from "./aws-lookup";

export interface PlaceArgs {
  relay: string;
  ec2: Ec2Spec;
  /** What goes into the tunnel; a subnet that overlaps one of these is refused. */
  inner: InnerPrefix[];
  tags: Record<string, string>;
}

export interface Place {
  vpcId: pulumi.Output<string>;
  subnetId: pulumi.Output<string>;
  /** What must be there before an instance has a way to the internet. */
  ready: pulumi.Resource[];
}

export function placeFor(name: string, args: PlaceArgs, opts: pulumi.CustomResourceOptions): Place {
  const { vpcCidr, subnetId } = args.ec2;
  if (subnetId !== null) return placeIn(subnetId, args, opts);
  if (vpcCidr === null)
    throw new Error(`neither a VPC nor a subnet of ${args.relay} was validated`);
  return placeOfItsOwn(name, vpcCidr, args, opts);
}

/** One subnet as large as the VPC, with a way out for both families. */
function placeOfItsOwn(
  name: string,
  vpcCidr: Prefix,
  { tags }: PlaceArgs,
  opts: pulumi.CustomResourceOptions,
): Place {
  const cidrBlock = vpcCidr.text;
  const vpc = new ec2.Vpc(
    `${name}-vpc`,
    { cidrBlock, assignGeneratedIpv6CidrBlock: true, tags },
    opts,
  );
  const gateway = new ec2.InternetGateway(`${name}-gateway`, { vpcId: vpc.id, tags }, opts);
  const subnet = new ec2.Subnet(
    `${name}-subnet`,
    {
      vpcId: vpc.id,
      cidrBlock,
      // Amazon gives the VPC a /56; a subnet's is always a /64, and its first one begins alike.
      ipv6CidrBlock: vpc.ipv6CidrBlock.apply((prefix) => prefix.replace(/\/56$/, "/64")),
      assignIpv6AddressOnCreation: true,
      tags,
    },
    opts,
  );
  const routes = new ec2.RouteTable(
    `${name}-routes`,
    {
      vpcId: vpc.id,
      routes: [
        { cidrBlock: "0.0.0.0/0", gatewayId: gateway.id },
        { ipv6CidrBlock: "::/0", gatewayId: gateway.id },
      ],
      tags,
    },
    opts,
  );
  const joined = new ec2.RouteTableAssociation(
    `${name}-routes-association`,
    { subnetId: subnet.id, routeTableId: routes.id },
    opts,
  );
  return { vpcId: vpc.id, subnetId: subnet.id, ready: [joined] };
}

/** Both ids come out of the check, so that no AWS resource that needs one is made where it fails. */
function placeIn(subnetId: string, args: PlaceArgs, opts: pulumi.CustomResourceOptions): Place {
  const { parent } = opts;
  const subnet = lookedUp(args.relay, ec2.getSubnet({ id: subnetId }, { parent }));
  const vpc = subnet.apply(({ vpcId: id }) => lookedUp(args.relay, ec2.getVpc({ id }, { parent })));
  const vpcId = pulumi.all([subnet, vpc]).apply(([foundSubnet, foundVpc]) => {
    refuseOverlap(subnetId, args, [
      { what: `the subnet ${subnetId}`, cidrs: [foundSubnet.cidrBlock, foundSubnet.ipv6CidrBlock] },
      {
        what: `its VPC ${foundVpc.id}`,
        cidrs: [
          foundVpc.cidrBlock,
          ...foundVpc.cidrBlockAssociations.map((association) => association.cidrBlock),
          ...foundVpc.ipv6CidrBlockAssociations.map((association) => association.ipv6CidrBlock),
        ],
      },
    ]);
    return foundVpc.id;
  });
  return { vpcId, subnetId: vpcId.apply(() => subnetId), ready: [] };
}

/**
 * The tunnel would take over addresses of the VPC, its resolver and router among them. Exported for its test: in mocks, a
 * resource that waits for what has failed waits for ever.
 */
export function refuseOverlap(
  subnetId: string,
  { relay, inner }: Pick<PlaceArgs, "relay" | "inner">,
  places: { what: string; cidrs: string[] }[],
): void {
  for (const { what, cidrs } of places) {
    for (const outer of cidrs.filter((cidr) => cidr !== "").map(parsePrefix)) {
      const other = inner.find(({ prefix }) => overlaps(prefix, outer));
      if (other === undefined) continue;
      throw new pulumi.RunError(
        `relays.${relay}.ec2.subnetId: ${subnetId} cannot be used: ${outer.text}, ${what}, overlaps ${other.prefix.text}, ${other.of}\n` +
          "  choose another subnet, leave subnetId out for a VPC of its own, or move the tunnel: network.cidr",
      );
    }
  }
}
