/** The form of a kind of resource: which properties it has, and what AWS does when it comes, changes and goes. */
import type { Lab } from "../../lab";
import type { Account, Thing } from "../account";
import type { PlainProperties } from "../plain";

/** Where an operation happens. `say` shows the user a line. */
export interface Cloud {
  lab: Lab;
  account: Account;
  say: (line: string) => void;
}

export interface Kind {
  required: string[];
  optional: string[];
  /** Of the optional: AWS chooses where nothing is given, so to take one out of the program changes nothing. */
  chosen: string[];
  /** What AWS adds by itself, beside `chosen`. */
  outputs: string[];
  /** A change of one of these makes another resource (`ForceNew` in terraform-provider-aws). */
  replacing: string[];
  /** Lists whose order means nothing. */
  sets: string[];
  /** Beginning of its ids. */
  prefix: string;
  /** More than `replacing`: properties that replace by what they change from and to. */
  alsoReplacing?: (old: PlainProperties, next: PlainProperties, changed: string[]) => string[];
  /** What is wrong with given inputs beyond missing and unknown ones, by property. */
  wrong?: (inputs: PlainProperties) => Record<string, string | undefined>;
  /** Inputs that the provider itself fills in. `old`: what it filled in before. */
  fill?: (name: string, inputs: PlainProperties, old: PlainProperties) => PlainProperties;
  /** Makes it. @returns what AWS adds. @throws AwsError */
  create: (
    cloud: Cloud,
    id: string,
    inputs: PlainProperties,
  ) => PlainProperties | Promise<PlainProperties>;
  /** Changes it, when its record holds `next` already. */
  update?: (
    cloud: Cloud,
    thing: Thing,
    next: PlainProperties,
  ) => PlainProperties | Promise<PlainProperties>;
  /** Ends it, when its record is still there. @throws AwsError when AWS would not. */
  remove?: (cloud: Cloud, thing: Thing) => void | Promise<void>;
  /** What follows for others, when it is gone. */
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

export function arnOf(what: string, id: string): string {
  return `arn:aws:ec2:lab:000000000000:${what}/${id}`;
}
