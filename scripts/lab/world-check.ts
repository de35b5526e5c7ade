/** Validates a world and reports all errors at once, before anything is built. */
import * as ipaddr from "ipaddr.js";
import { LabError } from "./world";
import type { Nat, World, WorldHost } from "./world";

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const RESERVED_NAMES = ["internet", "operator"];
/** Addresses on the lab's internet that are reserved for its gateway and the operator. */
const RESERVED_ADDRESSES = ["203.0.113.1", "203.0.113.250"];

/** @throws LabError with one line for each error. */
export function checkWorld(world: World): void {
  const nats = Object.entries(world.nats ?? {});
  const hosts = Object.entries(world.hosts);
  const errors = [
    ...nameErrors([...nats, ...hosts].map(([name]) => name)),
    ...nats.flatMap(([name, nat]) => natErrors(nat).map((error) => `nats.${name}: ${error}`)),
    ...hosts.flatMap(([name, host]) =>
      hostErrors(host, world).map((error) => `hosts.${name}: ${error}`),
    ),
    ...addressErrors(world),
  ];
  if (errors.length > 0) throw new LabError(`The world cannot be built:\n  ${errors.join("\n  ")}`);
}

function nameErrors(names: string[]): string[] {
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  return [
    ...names
      .filter((name) => !NAME.test(name))
      .map(
        (name) =>
          `${JSON.stringify(name)} is not a valid name: use lower-case letters, digits and dashes`,
      ),
    ...names
      .filter((name) => RESERVED_NAMES.includes(name))
      .map((name) => `${name} is reserved for the lab`),
    ...twice.map((name) => `${name} is used for two nodes`),
  ];
}

function natErrors(nat: Nat): string[] {
  const errors = publicErrors(nat.public);
  if (!ipaddr.IPv4.isValidCIDR(nat.lan)) return [...errors, `lan ${nat.lan} is not an IPv4 CIDR`];
  if (nat.gw !== undefined && !isWithin(nat.gw, nat.lan)) {
    errors.push(`gw ${nat.gw} is not in ${nat.lan}`);
  }
  for (const [port, to] of nat.forward ?? []) {
    const [address = "", inner = ""] = to.split(":");
    const isGood = isWithin(address, nat.lan) && isPort(port) && isPort(Number(inner));
    if (!isGood) errors.push(`forward ${port} to ${to}: must be PORT and IP:PORT in ${nat.lan}`);
  }
  return errors;
}

function hostErrors(host: WorldHost, world: World): string[] {
  if ((host.public === undefined) === (host.nat === undefined)) {
    return ["must have either public or nat (with ip)"];
  }
  if (host.public !== undefined) {
    const six = host.public6;
    const isGood6 = six === undefined || isWithin6(six, "2001:db8:113::/64");
    return [
      ...publicErrors(host.public),
      ...(isGood6 ? [] : [`public6 ${six} is not in 2001:db8:113::/64`]),
    ];
  }
  const nat = world.nats?.[host.nat ?? ""];
  if (nat === undefined) return [`nat ${host.nat ?? ""} is not in nats`];
  if (host.ip === undefined || !isWithin(host.ip, nat.lan)) {
    return [`ip ${host.ip ?? "(absent)"} is not in ${nat.lan}, the LAN of ${host.nat ?? ""}`];
  }
  return [];
}

function addressErrors(world: World): string[] {
  const all = [...Object.values(world.nats ?? {}), ...Object.values(world.hosts)];
  const addresses = all.flatMap((node) => (node.public === undefined ? [] : [node.public]));
  return addresses
    .filter((address, index) => addresses.indexOf(address) !== index)
    .map((address) => `${address} is given to two nodes`);
}

function publicErrors(address: string): string[] {
  if (RESERVED_ADDRESSES.includes(address)) return [`public ${address} is reserved for the lab`];
  return isWithin(address, "203.0.113.0/24")
    ? []
    : [`public ${address} is not in 203.0.113.0/24, the lab's internet`];
}

function isWithin(address: string, cidr: string): boolean {
  if (!ipaddr.IPv4.isValidFourPartDecimal(address)) return false;
  return ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parseCIDR(cidr));
}

function isWithin6(address: string, cidr: string): boolean {
  if (!ipaddr.IPv6.isValid(address)) return false;
  return ipaddr.IPv6.parse(address).match(ipaddr.IPv6.parseCIDR(cidr));
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65536;
}
