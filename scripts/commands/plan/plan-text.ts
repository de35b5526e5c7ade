/** The plan as text: mistakes, nodes, links, reachability, and the routes that LAN routers need. */
import pc from "picocolors";
import { formatEndpoint, type Host, type Subnet } from "../../../mesh/config/config";
import { formatIssues, hasErrors, type Issue } from "../../../mesh/config/issue";
import type { Mesh } from "../../../mesh/mesh";
import type { Link } from "../../../mesh/plan/links";
import type { PeerSection } from "../../../mesh/plan/peer-section";
import { exitsOf } from "../../../mesh/plan/nat-plan";
import { pathText } from "../../../mesh/plan/paths";
import type { NodePlan, Plan } from "../../../mesh/plan/plan";
import { reachOf } from "../../../mesh/plan/reach";
import { groupOf, limitText, OUTSIDE, reachabilityOf } from "../../../mesh/plan/reachability";
import { shortList } from "../../../mesh/review/short-list";
import { renderFilter } from "../../../mesh/render/filter";
import { renderRedacted } from "../../../mesh/render/render";
import { formatTable } from "../../cli/table";
import { routesText } from "./lan-routes-text";

interface Parts {
  /** Reachability by pairs instead of by groups. */
  reach: boolean;
  /** Whether to add every node's WireGuard file, without secrets, and nftables table. */
  configs: boolean;
}

export function planText({ plan, issues }: Mesh, parts: Parts): string {
  const blocks = [issuesBlock(issues)];
  if (plan !== null) {
    blocks.push(nodesBlock(plan), linksBlock(plan));
    blocks.push(parts.reach ? pairsBlock(plan) : groupsBlock(plan), routesText(plan));
    if (parts.configs) blocks.push(...plan.nodes.flatMap((node) => filesOf(node, plan)));
  }
  return blocks.filter((block) => block !== "").join("\n\n");
}

function filesOf(node: NodePlan, { network }: Plan): string[] {
  const filter = renderFilter(node, network);
  return [renderRedacted(node, network), ...(filter === null ? [] : [filter])];
}

function issuesBlock(issues: Issue[]): string {
  if (issues.length === 0) return "";
  const title = hasErrors(issues)
    ? pc.red("This config cannot be used yet:")
    : pc.yellow("Warnings:");
  return `${title}\n${formatIssues(issues)}`;
}

function nodesBlock({ nodes, network }: Plan): string {
  const address6 = network.cidr6 === null ? [] : ["ADDRESS6"];
  const head = ["NODE", "KIND", "ADDRESS", ...address6, "ENDPOINT", "LANS", "CONFIG"];
  const rows = nodes.map((node) => [
    node.name,
    node.kind,
    node.address.text,
    ...(network.cidr6 === null ? [] : [node.address6?.text ?? "-"]),
    node.endpoint === null ? "-" : formatEndpoint(node.endpoint),
    node.subnets.map(lanText).join(" ") || "-",
    delivery(node),
  ]);
  return formatTable(head, rows);
}

function lanText({ text, lan }: Subnet): string {
  return lan === undefined ? text : `${text} (${lan.text})`;
}

function delivery(node: NodePlan): string {
  if (node.hosts.length > 0) return `pushed to ${node.hosts.map(hostText).join(", else ")}`;
  return node.custody === "device" ? "file; the device adds its own key" : "file or QR code";
}

function hostText(host: Host): string {
  switch (host.kind) {
    case "local":
      return "this machine";
    case "ssh":
      return `${host.user}@${host.address}${host.port === 22 ? "" : ` port ${host.port}`}`;
    case "via":
      return `${host.user}@ through ${host.relay}`;
  }
}

function linksBlock(plan: Plan): string {
  if (plan.links.length === 0) return "No links: a network needs two nodes.";
  const sections = new Map(
    plan.nodes.map((node) => [
      node.name,
      new Map(node.sections.map((section) => [section.name, section])),
    ]),
  );
  const lines = plan.links.map(
    (link) =>
      `  ${linkText(link, sections.get(link.a)?.get(link.b), sections.get(link.b)?.get(link.a))}`,
  );
  return `${pc.bold("Links")}\n${lines.join("\n")}`;
}

function linkText(link: Link, atA: PeerSection | undefined, atB: PeerSection | undefined): string {
  const aDials = dials(link.a, link.b, atA);
  const bDials = dials(link.b, link.a, atB);
  return [aDials, bDials].filter((text) => text !== null).join("; ");
}

function dials(from: string, to: string, section: PeerSection | undefined): string | null {
  if (section?.endpoint === null || section === undefined) return null;
  const { endpoint, persistentKeepalive } = section;
  const keepalive =
    persistentKeepalive === null ? "" : `, persistent keepalive ${persistentKeepalive} s`;
  return `${from} dials ${to} at ${endpoint}${keepalive}`;
}

function groupsBlock(plan: Plan): string {
  const reachability = reachabilityOf(plan);
  const { paths, lans, policy, exits } = reachability;
  const groups = Map.groupBy(plan.nodes, ({ name }) => groupOf(name, reachability));
  const lines = [
    ...[...groups]
      .map(([group, nodes]) => [group, nodes.map(({ name }) => name)] as const)
      .filter(([group, [name]]) => group !== name)
      .map(([group, names]) => `  ${group}: ${shortList(names)}`),
    ...Object.entries(paths).map(([pair, path]) => `  ${pair}: ${path}`),
    ...exitLines(exits),
    ...Object.entries(lans).map(([lan, gateway]) => `  ${lan} is behind ${gateway}`),
    ...(policy === undefined ? [] : policyLines(policy)),
  ];
  return reachabilityBlock(lines);
}

function reachabilityBlock(lines: readonly string[]): string {
  return lines.length === 0 ? "" : `${pc.bold("Reachability")}\n${lines.join("\n")}`;
}

function exitLines(exits: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(exits).map(([peer, relay]) => `  ${peer} -> ${OUTSIDE}: through ${relay}`);
}

/** The rules of the policy, which are about new connections: answers always pass. */
function policyLines(rules: readonly string[]): string[] {
  return [
    "",
    pc.bold("Policy: who may start what to whom"),
    ...(rules.length === 0 ? ["  nothing is allowed"] : rules.map((rule) => `  ${rule}`)),
  ];
}

function pairsBlock(plan: Plan): string {
  const lines = reachOf(plan).map(({ from, to, path, ports }) => {
    return `  ${from} -> ${to}: ${pathText(path)}${limitText(ports)}`;
  });
  return reachabilityBlock([...lines, ...exitLines(exitsOf(plan.nodes))]);
}
