/**
 * A relay's EC2 instance with its network, security group and address. The push sets up WireGuard on it; this file only
 * opens its UDP ports. Loaded only if the network has an ec2 relay.
 */
import * as ec2 from "@pulumi/aws/ec2";
import * as ssm from "@pulumi/aws/ssm";
import * as pulumi from "@pulumi/pulumi";
import type { Ec2Spec } from "../mesh/config/ec2";
import { imageParameter } from "./aws-images";
import { lookup } from "./aws-lookup";
import { subnetFor, type SubnetArgs } from "./relay-subnet";

interface RelayInstanceArgs extends SubnetArgs {
  /** The relay's name in the config. */
  relay: string;
  ec2: Ec2Spec;
  /** UDP ports to open to everyone. */
  ports: number[];
  /** The instance's logical name; a change creates a new instance. */
  instanceName: string;
  /** cloud-config. Secret: contains the bootstrap host key. */
  userData: pulumi.Output<string>;
  tags: Record<string, string>;
}

/** A newer image or changed user data does not replace the instance. */
export class RelayInstance extends pulumi.ComponentResource {
  /** The Elastic IP, which is kept when the instance is replaced. */
  readonly address: pulumi.Output<string>;
  /**
   * The address that the instance had when it was created, for the first push. AWS releases it when the Elastic IP is associated.
   * Empty for instances of older versions, which had none.
   */
  readonly firstAddress: pulumi.Output<string>;
  readonly instanceId: pulumi.Output<string>;
  readonly instance: ec2.Instance;
  private readonly allocationId: pulumi.Output<string>;

  constructor(name: string, args: RelayInstanceArgs, opts?: pulumi.ComponentResourceOptions) {
    super(
      "wireguard-mesh:index:RelayInstance",
      name,
      { instanceType: args.ec2.instanceType, image: args.ec2.image },
      opts,
    );
    const network = subnetFor(name, args, { parent: this });
    const firewall = firewallFor(name, args, network.vpcId, { parent: this });
    const protectedOpts = { parent: this, protect: args.ec2.protect };
    const eip = new ec2.Eip(
      `${name}-address`,
      { domain: "vpc", tags: args.tags },
      // The firewall depends on the check of the subnet, so no address, which costs money, is created if that fails.
      { ...protectedOpts, dependsOn: firewall },
    );
    this.instance = instanceFor(args, firewall.id, network, protectedOpts);
    this.instanceId = this.instance.id;
    // Stored, because `publicIp` changes with the association, at the next refresh, and a changed request is pushed again.
    const first = new pulumi.Stash(
      `${name}-first-address`,
      { input: this.instance.publicIp },
      { parent: this, replacementTrigger: this.instanceId },
    );
    this.firstAddress = first.output.apply(String);
    this.address = eip.publicIp;
    this.allocationId = eip.allocationId;
    this.registerOutputs({ address: this.address, instanceId: this.instanceId });
  }

  /** Associates the Elastic IP with the instance once `push` has succeeded; until then an earlier instance has it. */
  associate(name: string, push: pulumi.Resource): pulumi.Resource {
    return new ec2.EipAssociation(
      `${name}-address-association`,
      // When the instance is replaced, the old one still has the address, and AWS moves it only with allowReassociation.
      { allocationId: this.allocationId, instanceId: this.instanceId, allowReassociation: true },
      { parent: this, dependsOn: push },
    );
  }
}

function instanceFor(
  { relay, instanceName, userData, tags, ec2: spec }: RelayInstanceArgs,
  firewallId: pulumi.Output<string>,
  { subnetId, ready }: { subnetId: pulumi.Output<string>; ready: pulumi.Resource[] },
  opts: pulumi.CustomResourceOptions,
): ec2.Instance {
  const { parent } = opts;
  const image = lookup(relay, ssm.getParameter({ name: imageParameter(spec) }, { parent }));
  return new ec2.Instance(
    instanceName,
    {
      ami: image.insecureValue,
      instanceType: spec.instanceType,
      subnetId,
      vpcSecurityGroupIds: [firewallId],
      // A subnet that this program makes gives each instance a public address.
      ...(spec.subnetId === null ? {} : { associatePublicIpAddress: true }),
      userData,
      userDataReplaceOnChange: false,
      metadataOptions: {
        httpEndpoint: "enabled",
        httpTokens: "required",
        httpPutResponseHopLimit: 1,
      },
      rootBlockDevice: { volumeType: "gp3", encrypted: true, deleteOnTermination: true, tags },
      sourceDestCheck: true,
      disableApiTermination: spec.protect,
      tags,
    },
    {
      ...opts,
      // A newer image must not replace the instance. Changed user data would restart it without effect, because
      // cloud-init applies user data only once. Instances of older versions have no public address of their own.
      ignoreChanges: ["ami", "userData", "associatePublicIpAddress"],
      dependsOn: ready,
    },
  );
}

/** The rules are inline instead of resources of their own, so that a rule that was added by hand is removed. */
function firewallFor(
  name: string,
  { ports, ec2: spec, tags, relay }: RelayInstanceArgs,
  vpcId: pulumi.Output<string>,
  opts: pulumi.CustomResourceOptions,
): ec2.SecurityGroup {
  const anywhere = { cidrBlocks: ["0.0.0.0/0"], ipv6CidrBlocks: ["::/0"] };
  const admins = (family: 4 | 6) =>
    spec.adminCidrs.filter((prefix) => prefix.family === family).map((prefix) => prefix.text);
  return new ec2.SecurityGroup(
    `${name}-firewall`,
    {
      // With a prefix, because AWS rejects group names that begin with `sg-`, and a relay's name may.
      namePrefix: `wireguard-mesh-${relay}-`,
      description: "WireGuard from anywhere, SSH from the administrators alone",
      vpcId,
      ingress: [
        ...ports.map((port) => ({
          description: "WireGuard",
          protocol: "udp",
          fromPort: port,
          toPort: port,
          ...anywhere,
        })),
        {
          description: "SSH",
          protocol: "tcp",
          fromPort: 22,
          toPort: 22,
          cidrBlocks: admins(4),
          ipv6CidrBlocks: admins(6),
        },
      ],
      egress: [{ protocol: "-1", fromPort: 0, toPort: 0, ...anywhere }],
      tags,
    },
    opts,
  );
}
