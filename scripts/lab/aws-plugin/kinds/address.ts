/**
 * Elastic addresses. Which properties replace: terraform-provider-aws, internal/service/ec2/ec2_eip.go and
 * ec2_eip_association.go (`ForceNew`: all of the latter's).
 */
import { randomInt } from "node:crypto";
import type { Lab } from "../../lab";
import { Machine } from "../../vm/machine";
import { AwsError, type Account, type CloudResource } from "../account";
import { enforce } from "../firewall";
import { textAt } from "../plain";
import { arnOf, type, type Kind } from "./kind";

/** The Elastic IPs, 203.0.113.128 to .191: no other node of a scenario may use one. */
const POOL = Array.from({ length: 64 }, (_, index) => `203.0.113.${128 + index}`);
/** The public addresses of instances at their launch, 203.0.113.192 to .223; reserved in the same way. */
const LAUNCH_POOL = Array.from({ length: 32 }, (_, index) => `203.0.113.${192 + index}`);

export const eip: Kind = {
  prefix: "eipalloc",
  required: [],
  optional: ["domain", "networkBorderGroup", "publicIpv4Pool", "tags", "region"],
  chosen: ["domain", "networkBorderGroup", "publicIpv4Pool", "region"],
  outputs: ["arn", "allocationId", "publicIp", "publicDns", "tagsAll"],
  replacing: ["domain", "networkBorderGroup", "publicIpv4Pool", "region"],
  sets: [],
  create: ({ account }, id) => {
    const taken = account.all(type.eip).map(({ properties }) => properties["publicIp"]);
    const publicIp = POOL.find((address) => !taken.includes(address));
    if (publicIp === undefined) {
      throw new AwsError("AddressLimitExceeded: The maximum number of addresses has been reached.");
    }
    return { arn: arnOf("elastic-ip", id), allocationId: id, publicIp, publicDns: "" };
  },
  remove: ({ account }, resource) => {
    if (associationsOf(account, "allocationId", resource.id).length === 0) return;
    const address = textAt(resource.properties, "publicIp");
    throw new AwsError(`InvalidIPAddress.InUse: The address '${address}' is in use.`);
  },
};

export const eipAssociation: Kind = {
  prefix: "eipassoc",
  required: [],
  optional: ["allocationId", "instanceId", "allowReassociation", "region"],
  chosen: ["allocationId", "instanceId", "region"],
  outputs: ["networkInterfaceId", "privateIpAddress", "publicIp", "vpcId"],
  replacing: ["allocationId", "instanceId", "allowReassociation", "region"],
  sets: [],
  create: async ({ lab, account }, id, inputs) => {
    const address = account.require(type.eip, textAt(inputs, "allocationId"));
    const instance = account.require(type.instance, textAt(inputs, "instanceId"));
    const vpcId = vpcOf(account, instance);
    requireAttachedGateway(account, vpcId);
    const existing = associationsOf(account, "allocationId", address.id).filter(
      (one) => one.id !== id,
    );
    if (existing.length > 0 && inputs["allowReassociation"] !== true) {
      throw new AwsError(
        `Resource.AlreadyAssociated: resource ${address.id} is already associated with associate-id ${existing[0]?.id ?? ""}`,
      );
    }
    for (const one of existing) await endAssociation(lab, account, one);
    const publicIp = textAt(address.properties, "publicIp");
    // This releases the address that the instance was launched with (EC2 user guide, "Public IPv4 addresses").
    await Machine.open(lab, instance.id).associate(publicIp);
    await enforce(lab.id, account, instance);
    account.change(instance.id, { publicIp });
    return { publicIp, vpcId, privateIpAddress: instance.properties["privateIp"] ?? "" };
  },
  // An association that another one has replaced no longer exists; removing it is not an error.
  remove: async ({ lab, account }, resource) => {
    await endAssociation(lab, account, resource);
  },
};

/**
 * The public address of an instance that is launched or started; null if its network interface gets none. Seldom the one that
 * was released last, as on EC2.
 */
export function launchAddress(account: Account, instance: CloudResource): string | null {
  const { associatePublicIpAddress } = instance.properties;
  const subnet = account.get(textAt(instance.properties, "subnetId"));
  const { mapPublicIpOnLaunch } = subnet?.properties ?? {};
  if ((associatePublicIpAddress ?? mapPublicIpOnLaunch) !== true) return null;
  const taken = account.all(type.instance).map(({ properties }) => properties["publicIp"]);
  const free = LAUNCH_POOL.filter((address) => !taken.includes(address));
  return free[randomInt(free.length)] ?? null;
}

export function associationsOf(
  account: Account,
  by: "allocationId" | "instanceId",
  id: string,
): CloudResource[] {
  return account.all(type.eipAssociation).filter(({ properties }) => properties[by] === id);
}

async function endAssociation(lab: Lab, account: Account, association: CloudResource) {
  if (account.get(association.id) === undefined) return;
  account.remove(association.id);
  const instanceId = textAt(association.properties, "instanceId");
  if (account.get(instanceId) === undefined) return;
  // EC2 gives it a new address within minutes if it was launched with one; the lab's instances are gone by then.
  await Machine.open(lab, instanceId).disassociate();
  account.change(instanceId, { publicIp: "" });
}

function vpcOf(account: Account, instance: CloudResource): string {
  const subnet = account.require(type.subnet, textAt(instance.properties, "subnetId"));
  return textAt(subnet.properties, "vpcId");
}

function requireAttachedGateway(account: Account, vpcId: string): void {
  const gateways = account.all(type.internetGateway);
  if (gateways.some(({ properties }) => properties["vpcId"] === vpcId)) return;
  throw new AwsError(
    `Gateway.NotAttached: Network ${vpcId} is not attached to any internet gateway`,
  );
}
