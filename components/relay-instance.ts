/**
 * A relay's machine on EC2: network, firewall, address, instance. Nothing here knows of WireGuard but its UDP ports; what
 * the machine becomes, the push makes of it. Only loaded where a relay is made on EC2.
 */
import * as ec2 from "@pulumi/aws/ec2";
import * as ssm from "@pulumi/aws/ssm";
import * as pulumi from "@pulumi/pulumi";
import type { Ec2Spec } from "../mesh/config/ec2";
import { imageParameter } from "./aws-images";
import { lookedUp } from "./aws-lookup";
import { placeFor, type PlaceArgs } from "./relay-place";

export interface RelayInstanceArgs extends PlaceArgs {
  /** The relay's name in the config. */
  relay: string;
  ec2: Ec2Spec;
  /** The UDP ports that peers dial. */
  ports: number[];
  /** The instance's logical name: another one is another instance. */
  instanceName: string;
  /** cloud-config. Secret: a host key for the first contact is in it. */
  userData: pulumi.Output<string>;
  tags: Record<string, string>;
}

/** Made once, and kept: neither a newer image nor other user data replaces the instance. */
export class RelayInstance extends pulumi.ComponentResource {
  /** The Elastic IP, which outlives every instance. */
  readonly address: pulumi.Output<string>;
  readonly instanceId: pulumi.Output<string>;
  readonly instance: ec2.Instance;
  /** When this is there, the address leads to the instance. */
  readonly association: ec2.EipAssociation;

  constructor(name: string, args: RelayInstanceArgs, opts?: pulumi.ComponentResourceOptions) {
    super(
      "wireguard-mesh:index:RelayInstance",
      name,
      { instanceType: args.ec2.instanceType, image: args.ec2.image },
      opts,
    );
    const place = placeFor(name, args, { parent: this });
    const firewall = firewallFor(name, args, place.vpcId, { parent: this });
    const kept = { parent: this, protect: args.ec2.protect };
    const eip = new ec2.Eip(
      `${name}-address`,
      { domain: "vpc", tags: args.tags },
      // A subnet that is refused must not leave an address behind, which costs money.
      { ...kept, dependsOn: firewall },
    );
    this.instance = instanceFor(args, firewall.id, place, kept);
    this.association = new ec2.EipAssociation(
      `${name}-address-association`,
      // Without allowReassociation AWS refuses an address that another instance still has: in every replacement.
      { allocationId: eip.allocationId, instanceId: this.instance.id, allowReassociation: true },
      { parent: this },
    );
    this.address = eip.publicIp;
    this.instanceId = this.instance.id;
    this.registerOutputs({ address: this.address, instanceId: this.instanceId });
  }
}

function instanceFor(
  { relay, instanceName, userData, tags, ec2: spec }: RelayInstanceArgs,
  firewallId: pulumi.Output<string>,
  { subnetId, ready }: { subnetId: pulumi.Output<string>; ready: pulumi.Resource[] },
  opts: pulumi.CustomResourceOptions,
): ec2.Instance {
  const { parent } = opts;
  const image = lookedUp(relay, ssm.getParameter({ name: imageParameter(spec) }, { parent }));
  return new ec2.Instance(
    instanceName,
    {
      ami: image.insecureValue,
      instanceType: spec.instanceType,
      subnetId,
      vpcSecurityGroupIds: [firewallId],
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
      // The newest image is looked up at every run, and is nothing to an instance that is there. Other user data would
      // stop and start it, and cloud-init would not even look: it acts once an instance.
      ignoreChanges: ["ami", "userData"],
      dependsOn: ready,
    },
  );
}

/**
 * Rules inside the group and not as resources of their own: so they are the whole truth, one that was opened by hand is
 * closed again, and a change of `adminCidrs` is a change of this one resource.
 */
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
      // A name of its own: AWS takes none that begins with `sg-`, and a relay may be called so.
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
