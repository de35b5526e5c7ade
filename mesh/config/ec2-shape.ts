/** The shape of `ec2`: its keys and their types. */
import { z } from "zod";
import { parsePrefix, type Prefix } from "../addresses";
import { ec2Defaults, IMAGES } from "./ec2";
import { filledList, flag, number, oneOf, text, textMap } from "./field";
import { isWithin, PREFIX, SSH_KEY } from "./patterns";
import { Mistake, quote } from "./mistake";
import { parseLoginKey } from "./values";

const INSTANCE_TYPE = /^[a-z]+[0-9][a-z0-9-]*\.[a-z0-9-]+$/;
const SUBNET_ID = /^subnet-[0-9a-f]{8,17}$/;
const GENERATION = { minimum: 1 };

export const ec2Shape = z.strictObject({
  instanceType: text(parseInstanceType, "t4g.nano", INSTANCE_TYPE).optional().meta({
    description: "also decides between arm64 and amd64",
    default: ec2Defaults.instanceType,
    page: "ec2.md#changes",
  }),
  adminCidrs: filledList(
    parsePrefix,
    "203.0.113.7/32",
    PREFIX,
    "list the addresses that you log in from, e.g. [203.0.113.7/32]",
  )
    .optional()
    .meta({ description: "where SSH is open from, as CIDRs", absent: "required" }),
  allowPublicSsh: flag().optional().meta({
    description: "whether `adminCidrs` may be the whole internet",
    default: false,
  }),
  image: oneOf(...IMAGES)
    .optional()
    .meta({
      description: "a change creates a new instance from the newest image",
      default: ec2Defaults.image,
    }),
  imageGeneration: number(parseGeneration, 2, GENERATION).optional().meta({
    description: "the next number creates a new instance from the newest image",
    default: ec2Defaults.imageGeneration,
  }),
  vpcCidr: text(parseVpcCidr, "172.29.86.0/24", PREFIX).optional().meta({
    description: "of a VPC of its own; may overlap neither the tunnel nor a LAN",
    default: ec2Defaults.vpcCidr,
  }),
  subnetId: text(parseSubnetId, "subnet-0123456789abcdef0", SUBNET_ID).optional().meta({
    description:
      "a public subnet of yours instead; it and its VPC may overlap neither the tunnel nor a LAN",
  }),
  protect: flag().optional().meta({
    description: "`true`: neither the instance nor its address can be deleted by mistake",
    default: false,
  }),
  tags: textMap(parseTag, "{ Team: network }").optional().meta({
    description:
      "tags for everything that is created, added to the default tags or replacing their values",
    absent: "`Name` and `wireguard-mesh`",
  }),
  authorizedKeys: filledList(parseLoginKey, '"ssh-ed25519 AAAA..."', SSH_KEY).optional().meta({
    description: "SSH public keys that may log in; used only when an instance is created",
    absent: "the public half of `sshPrivateKey`",
  }),
});

export type RawEc2 = z.output<typeof ec2Shape>;

function parseInstanceType(written: string): string {
  if (INSTANCE_TYPE.test(written)) return written;
  throw new Mistake(`${quote(written)} is not an instance type`, "write e.g. t4g.nano");
}

function parseGeneration(written: number): number {
  if (isWithin(written, GENERATION)) return written;
  throw new Mistake(
    `${written} is not an image generation`,
    "use a whole number from 1; the next one makes a new instance from the newest image",
  );
}

/** Amazon VPC user guide, "VPC CIDR blocks": /16 to /28. */
function parseVpcCidr(written: string): Prefix {
  const prefix = parsePrefix(written);
  if (prefix.family === 4 && prefix.length >= 16 && prefix.length <= 28) return prefix;
  throw new Mistake(
    `${prefix.text} cannot be the prefix of a VPC`,
    "use an IPv4 prefix from /16 to /28; its IPv6 prefix comes from Amazon",
  );
}

function parseSubnetId(written: string): string {
  if (SUBNET_ID.test(written)) return written;
  throw new Mistake(`${quote(written)} is not a subnet ID`, "list yours: aws ec2 describe-subnets");
}

/** Amazon EC2 user guide, "Tag your Amazon EC2 resources": restrictions. */
function parseTag(key: string, value: string): string {
  if (key === "Name" && value === "")
    throw new Mistake('the value of "Name" is empty', "write a name, or leave Name out");
  if (/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u.test(key) && !/^aws:/i.test(key)) {
    if (/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u.test(value)) return value;
    throw new Mistake(`the value of ${quote(key)} cannot be a tag value`, TAG_REMEDY);
  }
  throw new Mistake(`${quote(key)} cannot be a tag key`, TAG_REMEDY);
}

const TAG_REMEDY =
  "use letters, digits, spaces and _ . : / = + - @; a key has 1 to 128 of them and does not begin with aws:, a value has at most 256";
