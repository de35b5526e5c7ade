/**
 * EC2 instances, each a virtual machine of the lab. Which properties replace: terraform-provider-aws,
 * internal/service/ec2/ec2_instance.go (`ForceNew`, and the ForceNewIf rules of its CustomizeDiff).
 */
import * as ipaddr from "ipaddr.js";
import { findOrBuildImage } from "../../vm/image";
import { Machine } from "../../vm/machine";
import { AwsError, type Account, type CloudResource } from "../account";
import { enforce } from "../firewall";
import { architectureOf, imageOf } from "../images";
import { isMap, sameValue, textAt, textsAt, type PlainProperties } from "../plain";
import { associationsOf, launchAddress } from "./address";
import { arnOf, type, type Cloud, type Kind } from "./kind";

/** EC2 user guide, "Run commands at launch": limited to 16 KB before it is encoded. */
const USER_DATA_LIMIT = 16 * 1024;
/** About as long as EC2 waits for an operating system to shut down. */
const SHUTDOWN_LIMIT_MS = 300_000;
/** MiB; a t4g.nano's. */
const MEMORY = 512;

export const instance: Kind = {
  prefix: "i",
  required: ["ami", "instanceType"],
  optional: [
    ...["subnetId", "vpcSecurityGroupIds", "privateIp", "ipv6AddressCount", "keyName"],
    ...["userData", "userDataReplaceOnChange", "rootBlockDevice", "metadataOptions"],
    ...["associatePublicIpAddress", "sourceDestCheck", "disableApiTermination", "forceDestroy"],
    ...["creditSpecification", "monitoring", "instanceInitiatedShutdownBehavior", "region"],
    ...["maintenanceOptions", "availabilityZone", "tags", "volumeTags", "disableApiStop"],
  ],
  chosen: [
    ...["subnetId", "vpcSecurityGroupIds", "privateIp", "ipv6AddressCount", "keyName", "region"],
    ...["userData", "rootBlockDevice", "metadataOptions", "associatePublicIpAddress"],
    ...["disableApiTermination", "disableApiStop", "monitoring", "maintenanceOptions"],
    ...["instanceInitiatedShutdownBehavior", "availabilityZone"],
  ],
  outputs: [
    ...["arn", "instanceState", "primaryNetworkInterfaceId", "privateDns", "publicDns"],
    ...["publicIp", "ipv6Addresses", "tagsAll"],
  ],
  replacing: [
    ...["ami", "subnetId", "privateIp", "ipv6AddressCount", "keyName", "region"],
    ...["associatePublicIpAddress", "availabilityZone"],
  ],
  sets: ["vpcSecurityGroupIds"],
  alsoReplacing,
  validate: (inputs) => ({
    ...(Buffer.byteLength(textAt(inputs, "userData")) > USER_DATA_LIMIT
      ? { userData: `expected length of user_data to be in the range (0 - ${USER_DATA_LIMIT})` }
      : {}),
    ...(inputs["subnetId"] === undefined
      ? { subnetId: "the stand-in has no default VPC: set a subnet" }
      : {}),
  }),
  create,
  update,
  remove,
};

/** EBS changes a disk's size and type in place, but not its encryption; user data replaces only on request. */
function alsoReplacing(old: PlainProperties, next: PlainProperties, changed: string[]): string[] {
  const disk = (of: PlainProperties, name: string) =>
    isMap(of["rootBlockDevice"]) ? of["rootBlockDevice"][name] : undefined;
  return changed.filter((name) => {
    if (name === "userData") return next["userDataReplaceOnChange"] === true;
    if (name !== "rootBlockDevice") return false;
    return ["encrypted", "kmsKeyId"].some((it) => !sameValue(disk(old, it), disk(next, it), false));
  });
}

async function create(cloud: Cloud, id: string, inputs: PlainProperties): Promise<PlainProperties> {
  const { lab, account, log } = cloud;
  requireMatchingImage(account, textAt(inputs, "ami"), textAt(inputs, "instanceType"));
  const subnet = account.require(type.subnet, textAt(inputs, "subnetId"));
  for (const group of textsAt(inputs, "vpcSecurityGroupIds")) {
    account.require(type.securityGroup, group);
  }
  const privateIp = textAt(inputs, "privateIp") || freeAddress(account, subnet);
  account.change(id, { privateIp });
  const prefix = textAt(subnet.properties, "cidrBlock").split("/")[1] ?? "24";
  const publicIp = launchAddress(account, account.require(type.instance, id));
  const machine = await Machine.create(lab, {
    name: id,
    ...(publicIp === null ? {} : { elastic: publicIp }),
    instanceId: id,
    image: await findOrBuildImage(log),
    userData: textAt(inputs, "userData"),
    privateAddress: `${privateIp}/${prefix}`,
    memory: MEMORY,
    login: { user: "admin" },
  });
  const associatePublicIpAddress = publicIp !== null;
  const added = {
    ...computed(id, privateIp),
    ...{ publicIp: publicIp ?? "", associatePublicIpAddress, instanceState: "running" },
  };
  account.change(id, added);
  try {
    await enforce(lab.id, account, account.require(type.instance, id));
    await machine.start();
  } catch (problem) {
    await machine.destroy();
    throw problem;
  }
  log(`${id}: boots (${machine.accelerator}); console: ${machine.files.serial}`);
  return added;
}

function computed(id: string, privateIp: string): PlainProperties {
  return {
    arn: arnOf("instance", id),
    privateIp,
    publicDns: "",
    privateDns: `ip-${privateIp.replaceAll(".", "-")}.lab.compute.internal`,
    primaryNetworkInterfaceId: `eni-${id.slice(2)}`,
    ipv6Addresses: [],
  };
}

/** EC2 stops and starts an instance to change its type or user data. */
async function update(
  { lab, account, log }: Cloud,
  resource: CloudResource,
  next: PlainProperties,
): Promise<PlainProperties> {
  requireMatchingImage(account, textAt(next, "ami"), textAt(next, "instanceType"));
  const stops = ["instanceType", "userData"].some((name) => {
    return !sameValue(resource.properties[name], next[name], false);
  });
  if (stops) {
    const machine = Machine.open(lab, resource.id);
    log(`${resource.id}: stopping`);
    await machine.shutDown(SHUTDOWN_LIMIT_MS);
    if (associationsOf(account, "instanceId", resource.id).length === 0) {
      const publicIp = launchAddress(account, resource);
      if (publicIp !== null) await machine.associate(publicIp);
      account.change(resource.id, { publicIp: publicIp ?? "" });
    }
    await machine.start();
    log(`${resource.id}: starting again`);
  }
  await enforce(lab.id, account, account.require(type.instance, resource.id));
  return {};
}

async function remove({ lab, account }: Cloud, resource: CloudResource): Promise<void> {
  const { disableApiTermination, forceDestroy } = resource.properties;
  if (disableApiTermination === true && forceDestroy !== true) {
    throw new AwsError(
      `OperationNotPermitted: The instance '${resource.id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`,
    );
  }
  await Machine.open(lab, resource.id).destroy();
  for (const one of associationsOf(account, "instanceId", resource.id)) account.remove(one.id);
}

function requireMatchingImage(account: Account, ami: string, instanceType: string): void {
  const image = imageOf(account, ami);
  if (image === undefined) {
    throw new AwsError(`InvalidAMIID.NotFound: The image id '[${ami}]' does not exist`);
  }
  if (image.name !== "debian-12") {
    throw new AwsError(`The stand-in boots Debian 12 only, but ${ami} is ${image.name}.`);
  }
  const wanted = architectureOf(instanceType);
  if (image.architecture === wanted) return;
  throw new AwsError(
    `InvalidParameterValue: The architecture '${wanted}' of the specified instance type does not match the architecture '${image.architecture}' of the specified AMI.`,
  );
}

/** VPC user guide, "Subnet CIDR blocks": the first four addresses and the last one are reserved. */
function freeAddress(account: Account, subnet: CloudResource): string {
  const cidr = textAt(subnet.properties, "cidrBlock");
  const [network, length] = ipaddr.IPv4.parseCIDR(cidr);
  const first = network.octets.reduce((sum, octet) => sum * 256 + octet, 0);
  const taken = account
    .all(type.instance)
    .filter(({ properties }) => properties["subnetId"] === subnet.id)
    .map(({ properties }) => properties["privateIp"]);
  for (let offset = 4; offset < 2 ** (32 - length) - 1; offset++) {
    const number = first + offset;
    const address = [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
    if (!taken.includes(address)) return address;
  }
  throw new AwsError(`InsufficientFreeAddressesInSubnet: ${subnet.id} has no free address.`);
}
