/**
 * A virtual machine's network as on EC2: a private address in its own subnet, and a router with 1:1 NAT for an elastic
 * address. Both are in the machine's namespace, which is connected to the lab's internet.
 */
import { createHash } from "node:crypto";
import * as path from "node:path";
import { gatewayOf, INTERNET, namespaceOf } from "../layout";
import { runOrThrow } from "../process";
import { findRepository } from "../repository";
import { machineNamespace } from "./files";

const INTERNET_GATEWAY = "203.0.113.1";

/** The address of the subnet's router: the first one, as on EC2. */
export function subnetGateway(privateAddress: string): string {
  return gatewayOf({ public: "", lan: privateAddress });
}

/** The MAC address of the machine's network card; the same at every boot. */
export function cardAddress(name: string): string {
  return hardwareAddress(`card ${name}`);
}

/** Creates the namespace with the subnet, the router and the machine's `tap0`. `privateAddress`: IP/PREFIX. */
export async function buildSubnet(
  labId: string,
  name: string,
  privateAddress: string,
): Promise<void> {
  const namespace = machineNamespace(labId, name);
  const internet = namespaceOf(labId, INTERNET);
  const port = `v${digest(name).slice(0, 12)}`;
  const gateway = `${subnetGateway(privateAddress)}/${privateAddress.split("/")[1] ?? ""}`;
  await batch(
    ["ip"],
    [
      `netns add ${namespace}`,
      `link add eth0 netns ${namespace} type veth peer name ${port} netns ${internet}`,
    ],
  );
  await batch(["ip", "-n", internet], [`link set ${port} master inet0 up`]);
  const script = path.join(findRepository(), "scripts/lab/netns.sh");
  await batch(
    ["ip", "netns", "exec", namespace, "sh", script, "1"],
    [
      "link set lo up",
      "link add lan0 type bridge",
      "tuntap add dev tap0 mode tap",
      "link set tap0 master lan0 up",
      "link set lan0 up",
      `addr add ${gateway} dev lan0`,
      "link set eth0 up",
    ],
  );
}

/** Associates a public address, replacing an earlier one. It must not be associated with another machine. */
export async function associate(
  labId: string,
  name: string,
  elastic: string,
  privateAddress: string,
): Promise<void> {
  const namespace = machineNamespace(labId, name);
  // With a MAC address per elastic address, announced by gratuitous ARP, neighbours reach it at once after a move.
  await runOrThrow([
    "ip",
    "netns",
    "exec",
    namespace,
    "sysctl",
    "-qw",
    "net.ipv4.conf.eth0.arp_notify=1",
  ]);
  // The rules first: a flow of packets that finds the address without them is not translated for as long as it lasts.
  await nft(namespace, translation(elastic, privateAddress.split("/")[0] ?? ""));
  await batch(
    ["ip", "-n", namespace],
    [
      "addr flush dev eth0 scope global",
      `addr add ${elastic}/24 dev eth0`,
      `link set eth0 address ${hardwareAddress(`elastic ${elastic}`)}`,
      `route replace default via ${INTERNET_GATEWAY}`,
    ],
  );
}

/** Removes the elastic address; the machine is then disconnected in both directions. */
export async function disassociate(labId: string, name: string): Promise<void> {
  const namespace = machineNamespace(labId, name);
  await batch(["ip", "-n", namespace], ["addr flush dev eth0 scope global"]);
  await nft(namespace, RESET_TABLE);
}

/** nft has no "delete if exists", so create the table first. */
const RESET_TABLE = "table ip elastic\ndelete table ip elastic\n";

function translation(elastic: string, inner: string): string {
  return `${RESET_TABLE}table ip elastic {
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    iifname "eth0" ip daddr ${elastic} dnat to ${inner}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "eth0" ip saddr ${inner} snat to ${elastic}
  }
}
`;
}

async function nft(namespace: string, rules: string): Promise<void> {
  await runOrThrow(["ip", "netns", "exec", namespace, "nft", "-f", "-"], { input: rules });
}

async function batch(command: string[], lines: string[]): Promise<void> {
  const isScript = command.includes("sh");
  const input = lines.map((line) => `${line}\n`).join("");
  await runOrThrow(isScript ? command : [...command, "-batch", "-"], { input });
}

function hardwareAddress(name: string): string {
  return ["02", ...(digest(name).slice(0, 10).match(/../g) ?? [])].join(":");
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
