/**
 * What a relay's AWS resources must be, whatever the config or a later edit of this program says: looked at before each is
 * registered, so that a preview fails with the rule's name. In the program and not as a policy pack or a transform of the
 * engine's, which not every language host can run.
 */
import * as pulumi from "@pulumi/pulumi";
import type { Ec2Spec } from "../mesh/config/ec2";
import { isPublic } from "../mesh/config/rules-ec2";

export interface RuleContext {
  relay: string;
  ec2: Ec2Spec;
  ports: number[];
}

export interface Registered {
  type: string;
  name: string;
  props: Record<string, unknown>;
  opts: pulumi.CustomResourceOptions;
}

export interface Rule {
  name: string;
  /** What must hold, as a sentence. */
  says: string;
  /** Type tokens that it is about; null: all. */
  types: string[] | null;
  holds: (resource: Registered, context: RuleContext) => boolean;
}

const INSTANCE = "aws:ec2/instance:Instance";
const EIP = "aws:ec2/eip:Eip";
const FIREWALL = "aws:ec2/securityGroup:SecurityGroup";
const SUBNET = "aws:ec2/subnet:Subnet";

const MADE = [
  ...[INSTANCE, EIP, FIREWALL, SUBNET, "aws:ec2/eipAssociation:EipAssociation", "aws:ec2/vpc:Vpc"],
  "aws:ec2/internetGateway:InternetGateway",
  "aws:ec2/routeTable:RouteTable",
  "aws:ec2/routeTableAssociation:RouteTableAssociation",
];

/** A rule looks at plain values: one that is not known in a preview could not be looked at there, so it breaks the rule. */
export const rules: Rule[] = [
  {
    name: "known-resources",
    says: "a relay is made of a VPC, a subnet, routes, a security group, an address and an instance, and nothing else",
    types: null,
    holds: ({ type }) => MADE.includes(type),
  },
  {
    name: "named",
    says: "what can carry tags carries a Name",
    types: MADE.filter((type) => !type.endsWith("Association")),
    holds: ({ props }) => isFilled(at(props, "tags", "Name")),
  },
  {
    name: "listen-ports-open",
    says: "the UDP ports of WireGuard are open to everyone, by IPv4 and IPv6",
    types: [FIREWALL],
    holds: ({ props }, { ports }) =>
      ports.every((port) =>
        entries(props, "ingress").some(
          (entry) =>
            isPort(entry, "udp", port) &&
            same(entry["cidrBlocks"], ["0.0.0.0/0"]) &&
            same(entry["ipv6CidrBlocks"], ["::/0"]),
        ),
      ),
  },
  {
    name: "ssh-for-admins-only",
    says: "TCP port 22 is open to adminCidrs, and to the internet only with allowPublicSsh",
    types: [FIREWALL],
    holds: ({ props }, { ec2 }) => {
      const ssh = entries(props, "ingress").filter((entry) => isPort(entry, "tcp", 22));
      const from = ssh.flatMap(sources);
      const admins = ec2.adminCidrs.map((prefix) => prefix.text);
      return same(from, admins) && (ec2.allowPublicSsh || !ec2.adminCidrs.some(isPublic));
    },
  },
  {
    name: "nothing-else-open",
    says: "no port is open but those of WireGuard and SSH",
    types: [FIREWALL],
    holds: ({ props }, { ports }) =>
      Array.isArray(props["ingress"]) &&
      entries(props, "ingress").every(
        (entry) =>
          (isPort(entry, "tcp", 22) || ports.some((port) => isPort(entry, "udp", port))) &&
          entry["securityGroups"] === undefined &&
          entry["prefixListIds"] === undefined &&
          entry["self"] === undefined,
      ),
  },
  {
    name: "security-group-name",
    says: "a security group's name does not begin with sg-, which AWS refuses",
    types: [FIREWALL],
    holds: ({ props, name }) => {
      const given = props["name"] ?? props["namePrefix"] ?? name;
      return typeof given === "string" && !/^sg-/i.test(given);
    },
  },
  {
    name: "disk-encrypted",
    says: "the root volume is encrypted gp3 and goes with the instance",
    types: [INSTANCE],
    holds: ({ props }) =>
      at(props, "rootBlockDevice", "encrypted") === true &&
      at(props, "rootBlockDevice", "volumeType") === "gp3" &&
      at(props, "rootBlockDevice", "deleteOnTermination") === true,
  },
  {
    name: "imdsv2-required",
    says: "instance metadata answers to session tokens only, and one hop away",
    types: [INSTANCE],
    holds: ({ props }) =>
      at(props, "metadataOptions", "httpTokens") === "required" &&
      at(props, "metadataOptions", "httpPutResponseHopLimit") === 1,
  },
  {
    name: "no-role",
    says: "the instance has no IAM role and no key pair of AWS",
    types: [INSTANCE],
    holds: ({ props }) =>
      props["iamInstanceProfile"] === undefined && props["keyName"] === undefined,
  },
  {
    name: "image-ignored-once-created",
    says: "a newer image replaces nothing",
    types: [INSTANCE],
    holds: ({ opts }) => opts.ignoreChanges?.includes("ami") === true,
  },
  {
    name: "user-data-replaces-nothing",
    says: "other user data neither replaces nor restarts the instance",
    types: [INSTANCE],
    holds: ({ props, opts }) =>
      props["userDataReplaceOnChange"] === false &&
      opts.ignoreChanges?.includes("userData") === true,
  },
  {
    name: "source-check",
    says: "the source and destination check is on: what a relay forwards leaves it in packets of its own",
    types: [INSTANCE],
    holds: ({ props }) => props["sourceDestCheck"] === true,
  },
  {
    name: "address-kept",
    says: "the address is a resource of its own, and can be taken over from the instance before",
    types: [EIP, "aws:ec2/eipAssociation:EipAssociation"],
    holds: ({ type, props }) =>
      type === EIP ? props["instance"] === undefined : props["allowReassociation"] === true,
  },
  {
    name: "protected",
    says: "with protect, neither the instance nor its address can be deleted by mistake",
    types: [INSTANCE, EIP],
    holds: ({ type, props, opts }, { ec2 }) =>
      !ec2.protect ||
      (opts.protect === true && (type !== INSTANCE || props["disableApiTermination"] === true)),
  },
  {
    name: "dual-stack",
    says: "a subnet of its own has IPv6",
    types: [SUBNET],
    holds: ({ props }) =>
      props["ipv6CidrBlock"] !== undefined && props["assignIpv6AddressOnCreation"] === true,
  },
];

/** The rules that one resource breaks. */
export function brokenRules(resource: Registered, context: RuleContext): Rule[] {
  return rules
    .filter(({ types }) => types === null || types.includes(resource.type))
    .filter(({ holds }) => !holds(resource, context));
}

/** For a component: each of its AWS resources is looked at, and the first that breaks a rule ends the run. */
export function awsRules(context: RuleContext): pulumi.ResourceTransformation {
  return ({ type, name, props, opts }) => {
    if (!type.startsWith("aws:")) return undefined;
    const resource = { type, name, props: props as Registered["props"], opts };
    const broken = brokenRules(resource, context);
    if (broken.length === 0) return undefined;
    const lines = broken.map((rule) => `  ${rule.name}: ${rule.says}`);
    throw new pulumi.RunError(
      `relays.${context.relay}.ec2: ${name} (${type}) breaks what a relay on AWS must be; nothing was changed\n${lines.join("\n")}`,
    );
  };
}

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !pulumi.Output.isInstance(value);
}

function at(props: Fields, key: string, inner: string): unknown {
  const value = props[key];
  return isFields(value) ? value[inner] : undefined;
}

function isFilled(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function entries(props: Fields, key: string): Fields[] {
  const value = props[key];
  return Array.isArray(value) ? value.filter(isFields) : [];
}

function isPort(entry: Fields, protocol: string, port: number): boolean {
  return entry["protocol"] === protocol && entry["fromPort"] === port && entry["toPort"] === port;
}

function sources(entry: Fields): unknown[] {
  return [entry["cidrBlocks"], entry["ipv6CidrBlocks"]].flatMap((value) =>
    Array.isArray(value) ? (value as unknown[]) : [],
  );
}

function same(value: unknown, wanted: readonly string[]): boolean {
  return Array.isArray(value) && value.map(String).sort().join() === [...wanted].sort().join();
}
