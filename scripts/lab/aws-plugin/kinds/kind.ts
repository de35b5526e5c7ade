/** Describes a kind of resource: its properties, and how AWS creates, updates and deletes it. */
import type { Lab } from "../../lab";
import type { Account, CloudResource } from "../account";
import type { PlainProperties } from "../plain";

/** The context of an operation. `log` shows a line to the user. */
export interface Cloud {
  lab: Lab;
  account: Account;
  log: (line: string) => void;
}

export interface Kind {
  required: string[];
  optional: string[];
  /** Optional properties that AWS chooses if unset; removing one from the program is not a change. */
  chosen: string[];
  /** Properties that only AWS sets. */
  outputs: string[];
  /** Properties whose change replaces the resource (`ForceNew` in terraform-provider-aws). */
  replacing: string[];
  /** Lists whose order does not matter. */
  sets: string[];
  /** The prefix of its ids. */
  prefix: string;
  /** Properties that replace depending on their old and new value, in addition to `replacing`. */
  alsoReplacing?: (old: PlainProperties, next: PlainProperties, changed: string[]) => string[];
  /** Invalid values among the inputs: property → reason. Missing and unknown properties are checked elsewhere. */
  validate?: (inputs: PlainProperties) => Record<string, string | undefined>;
  /** Defaults that the provider fills in. `old`: the recorded inputs. */
  fill?: (name: string, inputs: PlainProperties, old: PlainProperties) => PlainProperties;
  /** Creates the resource. @returns the properties that AWS adds. @throws AwsError */
  create: (
    cloud: Cloud,
    id: string,
    inputs: PlainProperties,
  ) => PlainProperties | Promise<PlainProperties>;
  /** Updates the resource, after its record has been set to `next`. */
  update?: (
    cloud: Cloud,
    resource: CloudResource,
    next: PlainProperties,
  ) => PlainProperties | Promise<PlainProperties>;
  /** Deletes the resource, before its record is removed. @throws AwsError when AWS would refuse. */
  remove?: (cloud: Cloud, resource: CloudResource) => void | Promise<void>;
  /** Called after its record was removed, to update other resources. */
  removed?: (cloud: Cloud) => Promise<void>;
}

export const type = {
  vpc: "aws:ec2/vpc:Vpc",
  subnet: "aws:ec2/subnet:Subnet",
  internetGateway: "aws:ec2/internetGateway:InternetGateway",
  routeTable: "aws:ec2/routeTable:RouteTable",
  route: "aws:ec2/route:Route",
  routeTableAssociation: "aws:ec2/routeTableAssociation:RouteTableAssociation",
  securityGroup: "aws:ec2/securityGroup:SecurityGroup",
  ingressRule: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  egressRule: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  eip: "aws:ec2/eip:Eip",
  eipAssociation: "aws:ec2/eipAssociation:EipAssociation",
  instance: "aws:ec2/instance:Instance",
} as const;

export function arnOf(resourceType: string, id: string): string {
  return `arn:aws:ec2:lab:000000000000:${resourceType}/${id}`;
}
