/**
 * Instances: each is a virtual machine of the lab. Which properties replace: terraform-provider-aws,
 * internal/service/ec2/ec2_instance.go (`ForceNew`, and the ForceNewIf rules of its CustomizeDiff).
 */
import * as ipaddr from "ipaddr.js";
import { findOrBuildImage } from "../../vm/image";
import { Machine } from "../../vm/machine";
import { AwsError, type Account, type Thing } from "../account";
import { enforce } from "../firewall";
import { architectureOf, imageOf } from "../images";
import { isMap, sameValue, textAt, textsAt, type PlainProperties } from "../plain";
import { associationsOf } from "./address";
import { arnOf, type, type Cloud, type Kind } from "./kind";

/** EC2 user guide, "Run commands at launch": limited to 16 KB before it is encoded. */
const USER_DATA_LIMIT = 16 * 1024;
/** As long as EC2 gives an operating system to end in good order, more or less. */
const SHUTDOWN_LIMIT_MS = 300_000;
/** A t4g.nano's, in MiB. */
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
  wrong: (inputs) => ({
    ...(Buffer.byteLength(textAt(inputs, "userData")) > USER_DATA_LIMIT
      ? { userData: `expected length of user_data to be in the range (0 - ${USER_DATA_LIMIT})` }
      : {}),
    ...(inputs["subnetId"] === undefined
      ? { subnetId: "the stand-in has no default VPC: give a subnet" }
      : {}),
  }),
  create,
  update,
  remove,
};

/** Not a disk's size or kind, which EBS changes in place; but its encryption, and user data where that is wanted. */
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
  const { lab, account, say } = cloud;
  needFittingImage(account, textAt(inputs, "ami"), textAt(inputs, "instanceType"));
  const subnet = account.need(type.subnet, textAt(inputs, "subnetId"));
  for (const group of textsAt(inputs, "vpcSecurityGroupIds")) {
    account.need(type.securityGroup, group);
  }
  const privateIp = textAt(inputs, "privateIp") || freeAddress(account, subnet);
  account.change(id, { privateIp });
  const prefix = textAt(subnet.properties, "cidrBlock").split("/")[1] ?? "24";
  const machine = await Machine.create(lab, {
    name: id,
    instanceId: id,
    image: await findOrBuildImage(say),
    userData: textAt(inputs, "userData"),
    privateAddress: `${privateIp}/${prefix}`,
    memory: MEMORY,
    login: { user: "admin" },
  });
  const made = { ...computed(id, privateIp), instanceState: "running" };
  account.change(id, made);
  try {
    await enforce(lab.id, account, account.need(type.instance, id));
    await machine.start();
  } catch (problem) {
    await machine.destroy();
    throw problem;
  }
  say(`${id}: boots (${machine.accelerator}); its console: ${machine.files.serial}`);
  return made;
}

function computed(id: string, privateIp: string): PlainProperties {
  return {
    arn: arnOf("instance", id),
    privateIp,
    publicIp: "",
    publicDns: "",
    privateDns: `ip-${privateIp.replaceAll(".", "-")}.lab.compute.internal`,
    primaryNetworkInterfaceId: `eni-${id.slice(2)}`,
    ipv6Addresses: [],
  };
}

/** Another type is another machine for the same disk: EC2 stops it, changes it and starts it. */
async function update(
  { lab, account, say }: Cloud,
  thing: Thing,
  next: PlainProperties,
): Promise<PlainProperties> {
  needFittingImage(account, textAt(next, "ami"), textAt(next, "instanceType"));
  const stops = ["instanceType", "userData"].some((name) => {
    return !sameValue(thing.properties[name], next[name], false);
  });
  if (stops) {
    const machine = Machine.open(lab, thing.id);
    say(`${thing.id}: stopping`);
    await machine.shutDown(SHUTDOWN_LIMIT_MS);
    await machine.start();
    say(`${thing.id}: starting again`);
  }
  await enforce(lab.id, account, account.need(type.instance, thing.id));
  return {};
}

async function remove({ lab, account }: Cloud, thing: Thing): Promise<void> {
  const { disableApiTermination, forceDestroy } = thing.properties;
  if (disableApiTermination === true && forceDestroy !== true) {
    throw new AwsError(
      `OperationNotPermitted: The instance '${thing.id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`,
    );
  }
  await Machine.open(lab, thing.id).destroy();
  for (const one of associationsOf(account, "instanceId", thing.id)) account.remove(one.id);
}

function needFittingImage(account: Account, ami: string, instanceType: string): void {
  const image = imageOf(account, ami);
  if (image === undefined) {
    throw new AwsError(`InvalidAMIID.NotFound: The image id '[${ami}]' does not exist`);
  }
  if (image.name !== "debian-12") {
    throw new AwsError(`The stand-in boots Debian 12 only, and ${ami} is ${image.name}.`);
  }
  const wanted = architectureOf(instanceType);
  if (image.architecture === wanted) return;
  throw new AwsError(
    `InvalidParameterValue: The architecture '${wanted}' of the specified instance type does not match the architecture '${image.architecture}' of the specified AMI.`,
  );
}

/** VPC user guide, "Subnet CIDR blocks": the first four addresses and the last one are Amazon's. */
function freeAddress(account: Account, subnet: Thing): string {
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
