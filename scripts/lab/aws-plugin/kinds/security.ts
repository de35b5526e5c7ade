/**
 * Security groups, with rules inline or as separate resources. Which properties replace: terraform-provider-aws,
 * internal/service/ec2/vpc_security_group.go and vpc_security_group_ingress_rule.go (`ForceNew`, `RequiresReplace`).
 */
import { randomBytes } from "node:crypto";
import { AwsError, type Account } from "../account";
import { enforceAll } from "../firewall";
import { textAt, type PlainProperties } from "../plain";
import { arnOf, type, type Cloud, type Kind } from "./kind";
import { refuseWhileUsed } from "./network";

/** EC2 API reference, CreateSecurityGroup: name and description in a VPC. */
const TEXT = /^[a-zA-Z0-9 ._\-:/()#,@[\]+=&;{}!$*]{1,255}$/;

const INVALID_TEXT =
  "must be 1 to 255 characters of a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$*";

export const securityGroup: Kind = {
  prefix: "sg",
  required: [],
  optional: [
    ...["name", "namePrefix", "description", "vpcId", "ingress", "egress", "revokeRulesOnDelete"],
    ...["tags", "region"],
  ],
  chosen: ["name", "namePrefix", "vpcId", "ingress", "egress", "region"],
  outputs: ["arn", "ownerId", "tagsAll"],
  replacing: ["name", "namePrefix", "description", "vpcId", "region"],
  sets: ["ingress", "egress"],
  fill: (name, inputs, old) => ({
    ...(inputs["namePrefix"] === undefined
      ? { name: inputs["name"] ?? old["name"] ?? `${name}-${randomDigits(7)}` }
      : {}),
    description: inputs["description"] ?? "Managed by Pulumi",
  }),
  validate: (inputs) => {
    const [property, name] =
      inputs["namePrefix"] === undefined
        ? ["name", textAt(inputs, "name")]
        : ["namePrefix", textAt(inputs, "namePrefix")];
    return {
      ...(/^sg-/i.test(name) ? { [property]: "cannot begin with sg-" } : {}),
      ...(TEXT.test(name) ? {} : { [property]: INVALID_TEXT }),
      ...(TEXT.test(textAt(inputs, "description"))
        ? {}
        : {
            description: INVALID_TEXT,
          }),
    };
  },
  create: ({ account }, id, inputs) => {
    const name = textAt(inputs, "name") || `${textAt(inputs, "namePrefix")}${randomDigits(26)}`;
    const vpcId = textAt(inputs, "vpcId");
    account.require(type.vpc, vpcId);
    const duplicate = account.all(type.securityGroup).find((one) => {
      const { properties } = one;
      return one.id !== id && properties["name"] === name && properties["vpcId"] === vpcId;
    });
    if (duplicate !== undefined) {
      throw new AwsError(
        `InvalidGroup.Duplicate: The security group '${name}' already exists for VPC '${vpcId}'`,
      );
    }
    return { name, arn: arnOf("security-group", id), ownerId: "000000000000" };
  },
  update: enforce,
  remove: ({ account }, resource) => {
    refuseWhileUsed(account, resource, [type.instance]);
  },
};

function randomDigits(length: number): string {
  return randomBytes(length).toString("hex").slice(0, length);
}

const SOURCES = ["cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"];

const rule: Omit<Kind, "create"> = {
  prefix: "sgr",
  required: ["securityGroupId", "ipProtocol"],
  optional: [
    ...["cidrIpv4", "cidrIpv6", "fromPort", "toPort", "description", "tags", "region"],
    ...["prefixListId", "referencedSecurityGroupId"],
  ],
  chosen: ["region"],
  outputs: ["arn", "securityGroupRuleId", "tagsAll"],
  replacing: ["securityGroupId", "region"],
  sets: [],
  // The kind of source cannot be changed in place.
  alsoReplacing: (old, next, changed) =>
    changed.filter((name) => {
      return SOURCES.includes(name) && (old[name] === undefined || next[name] === undefined);
    }),
  validate: (inputs) =>
    SOURCES.filter((name) => inputs[name] !== undefined).length === 1
      ? {}
      : { cidrIpv4: `exactly one of ${SOURCES.join(", ")} must be given` },
  update: enforce,
  removed: ({ lab, account }) => enforceAll(lab.id, account),
};

export const ingressRule: Kind = { ...rule, create: createRule(type.ingressRule) };
export const egressRule: Kind = { ...rule, create: createRule(type.egressRule) };

function createRule(kind: string): Kind["create"] {
  return async ({ lab, account }, id, inputs) => {
    account.require(type.securityGroup, textAt(inputs, "securityGroupId"));
    refuseDuplicate(account, kind, id, inputs);
    await enforceAll(lab.id, account);
    return { arn: arnOf("security-group-rule", id), securityGroupRuleId: id };
  };
}

function refuseDuplicate(
  account: Account,
  kind: string,
  id: string,
  inputs: PlainProperties,
): void {
  const names = ["securityGroupId", "ipProtocol", "fromPort", "toPort", ...SOURCES];
  const same = ({ properties }: { properties: PlainProperties }): boolean =>
    names.every((name) => properties[name] === inputs[name]);
  if (account.all(kind).some((one) => one.id !== id && same(one))) {
    throw new AwsError("InvalidPermission.Duplicate: the specified rule already exists");
  }
}

async function enforce({ lab, account }: Cloud): Promise<PlainProperties> {
  await enforceAll(lab.id, account);
  return {};
}
