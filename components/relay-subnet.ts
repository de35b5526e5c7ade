/** The subnet of a relay's instance: in a new VPC, or an existing one that does not overlap the tunnel or a LAN. */
import * as ec2 from "@pulumi/aws/ec2";
import * as pulumi from "@pulumi/pulumi";
import { overlaps, parsePrefix, type Prefix } from "../mesh/addresses";
import type { Ec2Spec } from "../mesh/config/ec2";
import type { InnerPrefix } from "../mesh/config/inner-prefixes";
import { lookup } from "./aws-lookup";

export interface SubnetArgs {
  relay: string;
  ec2: Ec2Spec;
  /** Prefixes that are routed into the tunnel. An existing subnet must not overlap one. */
  inner: InnerPrefix[];
  tags: Record<string, string>;
}

interface RelaySubnet {
  vpcId: pulumi.Output<string>;
  subnetId: pulumi.Output<string>;
  /** Must exist before the instance has internet access. */
  ready: pulumi.Resource[];
}

export function subnetFor(
  name: string,
  args: SubnetArgs,
  opts: pulumi.CustomResourceOptions,
): RelaySubnet {
  const { vpcCidr, subnetId } = args.ec2;
  if (subnetId !== null) return existingSubnet(subnetId, args, opts);
  if (vpcCidr === null) throw new Error(`vpcCidr of ${args.relay} was not validated`);
  return newSubnet(name, vpcCidr, args, opts);
}

/** A VPC with one subnet of the same size and internet access for both families. */
function newSubnet(
  name: string,
  vpcCidr: Prefix,
  { tags }: SubnetArgs,
  opts: pulumi.CustomResourceOptions,
): RelaySubnet {
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
      // The VPC gets a /56 from Amazon; this is its first /64.
      ipv6CidrBlock: vpc.ipv6CidrBlock.apply((prefix) => prefix.replace(/\/56$/, "/64")),
      assignIpv6AddressOnCreation: true,
      // For the first push, before the instance gets the Elastic IP.
      mapPublicIpOnLaunch: true,
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
  const association = new ec2.RouteTableAssociation(
    `${name}-routes-association`,
    { subnetId: subnet.id, routeTableId: routes.id },
    opts,
  );
  return { vpcId: vpc.id, subnetId: subnet.id, ready: [association] };
}

/** Both IDs depend on the check, so that no AWS resource that needs one is created if the check fails. */
function existingSubnet(
  subnetId: string,
  args: SubnetArgs,
  opts: pulumi.CustomResourceOptions,
): RelaySubnet {
  const { parent } = opts;
  const subnet = lookup(args.relay, ec2.getSubnet({ id: subnetId }, { parent }));
  const vpc = subnet.apply(({ vpcId: id }) => lookup(args.relay, ec2.getVpc({ id }, { parent })));
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
 * Throws if a prefix overlaps the tunnel, which would take over the VPC's addresses, its resolver and router included.
 * Exported for tests: with mocks, a resource that depends on a failed output never resolves.
 */
export function refuseOverlap(
  subnetId: string,
  { relay, inner }: Pick<SubnetArgs, "relay" | "inner">,
  networks: { what: string; cidrs: string[] }[],
): void {
  for (const { what, cidrs } of networks) {
    for (const outer of cidrs.filter((cidr) => cidr !== "").map(parsePrefix)) {
      const other = inner.find(({ prefix }) => overlaps(prefix, outer));
      if (other === undefined) continue;
      throw new pulumi.RunError(
        `relays.${relay}.ec2.subnetId: ${subnetId} cannot be used: ${what} (${outer.text}) overlaps ${other.label} (${other.prefix.text})\n` +
          "  choose another subnet, leave out subnetId for a new VPC, or change network.cidr",
      );
    }
  }
}
