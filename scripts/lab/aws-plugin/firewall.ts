/**
 * Enforces security groups and routes with nft rules on the router of each virtual machine. IPv4 only: the lab's virtual
 * machines have no IPv6.
 */
import { machineNamespace } from "../vm/files";
import { runOrThrow } from "../process";
import type { Account, CloudResource } from "./account";
import { type } from "./kinds/kind";
import { mapsAt, textAt, textsAt, type PlainProperties } from "./plain";

export async function enforceAll(labId: string, account: Account): Promise<void> {
  for (const instance of account.all(type.instance)) await enforce(labId, account, instance);
}

/** Does nothing for an instance that has no virtual machine yet. */
export async function enforce(
  labId: string,
  account: Account,
  instance: CloudResource,
): Promise<void> {
  if (textAt(instance.properties, "instanceState") === "") return;
  const namespace = machineNamespace(labId, instance.id);
  const input = rulesFor(account, instance);
  await runOrThrow(["ip", "netns", "exec", namespace, "nft", "-f", "-"], { input });
}

/** nft 1.0.6 needs a newline before each closing brace, and has no "delete if exists". */
export function rulesFor(account: Account, instance: CloudResource): string {
  const hasGateway = hasInternetRoute(account, textAt(instance.properties, "subnetId"));
  const ingress = hasGateway ? rulesOf(account, instance, "ingress", type.ingressRule) : [];
  const egress = hasGateway ? rulesOf(account, instance, "egress", type.egressRule) : [];
  return `table ip guard
delete table ip guard
table ip guard {
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
${ingress.map((match) => `    iifname "eth0" ${match} accept\n`).join("")}${egress
    .map((match) => `    iifname "lan0" ${match} accept\n`)
    .join("")}  }
}
`;
}

/** Whether the subnet's route table leads to an internet gateway. */
function hasInternetRoute(account: Account, subnetId: string): boolean {
  const tables = account
    .all(type.routeTableAssociation)
    .filter(({ properties }) => properties["subnetId"] === subnetId)
    .map(({ properties }) => textAt(properties, "routeTableId"));
  const inline = tables.flatMap((id) => mapsAt(account.get(id)?.properties ?? {}, "routes"));
  const separate = account
    .all(type.route)
    .filter(({ properties }) => tables.includes(textAt(properties, "routeTableId")))
    .map(({ properties }) => properties);
  return [...inline, ...separate].some(
    (route) =>
      (route["cidrBlock"] ?? route["destinationCidrBlock"]) === "0.0.0.0/0" &&
      textAt(route, "gatewayId") !== "",
  );
}

function rulesOf(
  account: Account,
  instance: CloudResource,
  direction: "ingress" | "egress",
  ruleType: string,
): string[] {
  const groups = textsAt(instance.properties, "vpcSecurityGroupIds");
  const side = direction === "ingress" ? "saddr" : "daddr";
  const inline = groups.flatMap((id) => mapsAt(account.get(id)?.properties ?? {}, direction));
  const separate = account
    .all(ruleType)
    .filter(({ properties }) => groups.includes(textAt(properties, "securityGroupId")))
    .map(({ properties }) => ({
      ...properties,
      protocol: properties["ipProtocol"] ?? "",
      cidrBlocks: [properties["cidrIpv4"] ?? ""],
    }));
  return [...inline, ...separate].flatMap((rule) =>
    textsAt(rule, "cidrBlocks")
      .filter((cidr) => cidr !== "")
      .map((cidr) => `ip ${side} ${cidr}${protocolMatch(rule)}`),
  );
}

function protocolMatch(rule: PlainProperties): string {
  const protocol = textAt(rule, "protocol").toLowerCase();
  if (protocol === "-1" || protocol === "all") return "";
  const ports = `${Number(rule["fromPort"])}-${Number(rule["toPort"])}`;
  if (protocol === "tcp" || protocol === "udp") return ` ${protocol} dport ${ports}`;
  return ` meta l4proto ${protocol === "icmp" ? "icmp" : protocol}`;
}
