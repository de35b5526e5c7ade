/** What can be wrong with a world, said all at once before anything is built. */
import * as ipaddr from "ipaddr.js";
import { LabError } from "./world";
import type { Host, Nat, World } from "./world";

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const OWN_NAMES = ["internet", "operator"];
/** What the lab itself uses on the internet: its gateway and the operator. */
const OWN_ADDRESSES = ["203.0.113.1", "203.0.113.250"];

/** @throws LabError with one line for each fault. */
export function checkWorld(world: World): void {
  const nats = Object.entries(world.nats ?? {});
  const hosts = Object.entries(world.hosts);
  const faults = [
    ...nameFaults([...nats, ...hosts].map(([name]) => name)),
    ...nats.flatMap(([name, nat]) => natFaults(nat).map((fault) => `nats.${name}: ${fault}`)),
    ...hosts.flatMap(([name, host]) =>
      hostFaults(host, world).map((fault) => `hosts.${name}: ${fault}`),
    ),
    ...addressFaults(world),
  ];
  if (faults.length > 0) throw new LabError(`The world cannot be built:\n  ${faults.join("\n  ")}`);
}

function nameFaults(names: string[]): string[] {
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  return [
    ...names
      .filter((name) => !NAME.test(name))
      .map((name) => `${JSON.stringify(name)} is no name: lower-case letters, digits and dashes`),
    ...names.filter((name) => OWN_NAMES.includes(name)).map((name) => `${name} is the lab's own`),
    ...twice.map((name) => `${name} stands for two nodes`),
  ];
}

function natFaults(nat: Nat): string[] {
  const faults = publicFaults(nat.public);
  if (!ipaddr.IPv4.isValidCIDR(nat.lan)) return [...faults, `lan ${nat.lan} is no IPv4 CIDR`];
  if (nat.gw !== undefined && !isWithin(nat.gw, nat.lan)) {
    faults.push(`gw ${nat.gw} is not in ${nat.lan}`);
  }
  for (const [port, to] of nat.forward ?? []) {
    const [address = "", inner = ""] = to.split(":");
    const isGood = isWithin(address, nat.lan) && isPort(port) && isPort(Number(inner));
    if (!isGood) faults.push(`forward ${port} to ${to}: wants PORT and IP:PORT in ${nat.lan}`);
  }
  return faults;
}

function hostFaults(host: Host, world: World): string[] {
  if ((host.public === undefined) === (host.nat === undefined)) {
    return ["wants either public or nat (with ip)"];
  }
  if (host.public !== undefined) {
    const six = host.public6;
    const isGood6 = six === undefined || isWithin6(six, "2001:db8:113::/64");
    return [
      ...publicFaults(host.public),
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

function addressFaults(world: World): string[] {
  const all = [...Object.values(world.nats ?? {}), ...Object.values(world.hosts)];
  const addresses = all.flatMap((node) => (node.public === undefined ? [] : [node.public]));
  return addresses
    .filter((address, index) => addresses.indexOf(address) !== index)
    .map((address) => `${address} is given to two nodes`);
}

function publicFaults(address: string): string[] {
  if (OWN_ADDRESSES.includes(address)) return [`public ${address} is the lab's own`];
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
