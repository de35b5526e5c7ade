/** The shape of `ec2`: its keys and their types. */
import { z } from "zod";
import { parsePrefix, type Prefix } from "../addresses";
import { IMAGES } from "./ec2";
import { filledList, flag, number, oneOf, text, textMap } from "./field";
import { Mistake, quote } from "./mistake";
import { parseLoginKey } from "./values";

export const ec2Shape = z.strictObject({
  instanceType: text(parseInstanceType, "t4g.nano").optional(),
  adminCidrs: filledList(
    parsePrefix,
    "203.0.113.7/32",
    "list the addresses that you log in from, e.g. [203.0.113.7/32]",
  ).optional(),
  allowPublicSsh: flag().optional(),
  image: oneOf(...IMAGES).optional(),
  imageGeneration: number(parseGeneration, 2).optional(),
  vpcCidr: text(parseVpcCidr, "172.29.86.0/24").optional(),
  subnetId: text(parseSubnetId, "subnet-0123456789abcdef0").optional(),
  protect: flag().optional(),
  tags: textMap(parseTag, "{ Team: network }").optional(),
  authorizedKeys: filledList(parseLoginKey, '"ssh-ed25519 AAAA..."').optional(),
});

export type RawEc2 = z.output<typeof ec2Shape>;

function parseInstanceType(written: string): string {
  if (/^[a-z]+[0-9][a-z0-9-]*\.[a-z0-9-]+$/.test(written)) return written;
  throw new Mistake(`${quote(written)} is not an instance type`, "write e.g. t4g.nano");
}

function parseGeneration(written: number): number {
  if (Number.isInteger(written) && written >= 1) return written;
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
  if (/^subnet-[0-9a-f]{8,17}$/.test(written)) return written;
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
