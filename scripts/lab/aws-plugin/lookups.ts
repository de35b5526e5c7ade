/** The provider's functions: public parameters, images, subnets, VPCs. */
import { AwsError, type Account } from "./account";
import { imageNamed, newestImage } from "./images";
import { type as kinds } from "./kinds/kind";
import { mapsAt, textAt, textsAt, type PlainProperties } from "./plain";

type Lookup = (account: Account, args: PlainProperties) => PlainProperties;

const lookups: Record<string, Lookup> = {
  "aws:ssm/getParameter:getParameter": getParameter,
  "aws:ec2/getAmi:getAmi": getAmi,
  "aws:ec2/getSubnet:getSubnet": getSubnet,
  "aws:ec2/getVpc:getVpc": getVpc,
  "aws:index/getRegion:getRegion": () => ({ id: "lab", name: "lab", region: "lab" }),
};

/** @throws AwsError when nothing is found, or the stand-in has no such function. */
export function lookUp(account: Account, token: string, args: PlainProperties): PlainProperties {
  const lookup = lookups[token];
  if (lookup === undefined)
    throw new AwsError(`the stand-in for the aws plugin has no function ${token}`);
  return lookup(account, args);
}

function getParameter(account: Account, args: PlainProperties): PlainProperties {
  const name = textAt(args, "name");
  const image = imageNamed(name);
  if (image === undefined) throw new AwsError(`ParameterNotFound: ${name}`);
  const value = newestImage(account, image);
  return { id: name, name, type: "String", value, insecureValue: value, version: 1 };
}

function getAmi(account: Account, args: PlainProperties): PlainProperties {
  const filters = mapsAt(args, "filters").flatMap((filter) => textsAt(filter, "values"));
  const text = [textAt(args, "nameRegex"), ...filters].join(" ");
  const image = imageNamed(text);
  if (image === undefined) throw new AwsError("Your query returned no results.");
  const id = newestImage(account, image);
  return { ...args, id, imageId: id, architecture: image.architecture, name: image.name };
}

function getSubnet(account: Account, args: PlainProperties): PlainProperties {
  const { id, properties } = account.require(kinds.subnet, textAt(args, "id"));
  return { ipv6CidrBlock: "", ...properties, id };
}

function getVpc(account: Account, args: PlainProperties): PlainProperties {
  const { id, properties } = account.require(kinds.vpc, textAt(args, "id"));
  const cidrBlock = properties["cidrBlock"] ?? "";
  const cidrBlockAssociations = [{ cidrBlock, state: "associated" }];
  return { ...properties, id, cidrBlockAssociations, ipv6CidrBlockAssociations: [] };
}
