/** Issues that need the finished plan: pairs without a path, and `expect` entries that fail. */
import type { Prefix } from "../addresses";
import type { Expectation, MeshConfig, Node } from "../config/config";
import { error, warning, type Issue } from "../config/issue";
import { formatPorts, type PortRange } from "../config/ports";
import { lansFor } from "./allowed-ips";
import { dialledEndpoint, filters } from "./links";
import { carries, indexLinks, pathBetween, type LinkIndex } from "./paths";
import type { Plan } from "./plan";
import { closedPorts, indexPolicy, openPorts, type Access, type Policy } from "./policy";

export function planIssues(plan: Plan, config: MeshConfig): Issue[] {
  const index = indexLinks(plan.nodes, plan.links);
  const policy = indexPolicy(config);
  return [
    ...unreachablePairs(index, policy),
    ...expectationIssues(config, index, policy),
    ...unusedKeys(config, index),
  ];
}

/** Preshared keys of links that are not in the plan. Nodes that are left out have no links now. */
function unusedKeys({ linkKeys = new Set() }: MeshConfig, index: LinkIndex): Issue[] {
  return [...linkKeys].flatMap((link) => {
    const [a = "", b = ""] = link.split("/");
    const isOut = index.node(a) === undefined || index.node(b) === undefined;
    if (isOut || index.linked(a, b)) return [];
    const message = `is not used: ${a} and ${b} have no link to each other`;
    const remedy = `remove it: npx pulumi config rm --path wireguard-mesh:presharedKeys.${link}`;
    return [warning(`presharedKeys.${link}`, message, remedy)];
  });
}

/** Pairs without a path that may talk, each reported once, at its first node. */
function unreachablePairs(index: LinkIndex, policy: Policy | null): Issue[] {
  // Shortcut: with a home relay for every peer, all pairs have a path.
  if (index.nodes.every((node) => node.kind === "relay" || node.relay !== null)) return [];
  return index.nodes.flatMap((from, at) => {
    const unreachable = index.nodes
      .slice(at + 1)
      .filter((to) => policy?.mayTalk(from, to) ?? true)
      .filter((to) => pathBetween(from, to, index) === null);
    const refused = unreachable.filter((to) => policy !== null && canDial(from, to));
    const unlinked = unreachable.filter((to) => !refused.includes(to));
    return [
      ...(unlinked.length === 0 ? [] : [withoutPath(from, unlinked)]),
      ...(refused.length === 0 ? [] : [withoutFilter(from, refused)]),
    ];
  });
}

function canDial(one: Node, other: Node): boolean {
  return dialledEndpoint(one, other) !== null || dialledEndpoint(other, one) !== null;
}

function withoutPath(from: Node, unreachable: Node[]): Issue {
  const message = `has no path to ${someNames(unreachable)}: neither side can dial the other, and no relay connects them`;
  return error(pathOf(from), message, "add a relay, or an endpoint to one side");
}

/** A direct link is possible, but the policy limits it, and one end cannot drop packets. */
function withoutFilter(from: Node, refused: Node[]): Issue {
  const open = [from, ...refused].filter((node) => !filters(node));
  const message = `has no path to ${someNames(refused)} with this policy: ${someNames(open)} ${open.length === 1 ? "is" : "are"} not pushed to, and so cannot enforce the policy`;
  const remedy = "add host and hostKey there, allow everything between them, or add a relay";
  return error(pathOf(from), message, remedy);
}

const pathOf = ({ kind, name }: Node): string => `${kind}s.${name}`;

function someNames(nodes: Node[]): string {
  const names = nodes.slice(0, 3).map((node) => node.name);
  const more = nodes.length > names.length ? ` and ${nodes.length - names.length} more` : "";
  return `${names.join(", ")}${more}`;
}

function expectationIssues(config: MeshConfig, index: LinkIndex, policy: Policy | null): Issue[] {
  return config.expect.flatMap((expected, at) => {
    const { from, to, reach, ports } = expected;
    const path = reachPath(from, to, index);
    const found = contradiction(expected, path, policy?.access(from, to) ?? "all");
    if (found === null) return [];
    const wanted = reach ? "should reach" : "should not reach";
    const message = `${from} ${wanted} ${to}${ports === null ? "" : ` at ${portList(ports)}`}, but ${found}`;
    return [error(`expect[${at}]`, message, "change the network, or the expectation")];
  });
}

/** The actual state; null if the expectation holds. */
function contradiction(
  { ports, reach }: Expectation,
  path: string[] | null,
  access: Access,
): string | null {
  const there = path === null ? "there is no path" : `the path is ${path.join(" -> ")}`;
  if (path === null) return reach ? there : null;
  if (ports === null) {
    if (reach) return access === "none" ? "the policy does not allow it" : null;
    return access === "none" ? null : there;
  }
  const wrong = reach ? closedPorts(access, ports) : openPorts(access, ports);
  if (wrong.length === 0) return null;
  return reach
    ? `the policy does not allow ${portList(wrong)}`
    : `${portList(wrong)} ${wrong.length === 1 ? "is" : "are"} open, and ${there}`;
}

function portList(ports: readonly PortRange[]): string {
  return ports.map(formatPorts).join(", ");
}

/** Null also if one of the two is disabled or expired. */
function reachPath(from: string, to: string, index: LinkIndex): string[] | null {
  const source = index.node(from);
  const lan = lanBehind(to, index);
  const target = index.node(to) ?? lan?.gateway;
  if (source === undefined || target === undefined) return null;
  const path = pathBetween(source, target, index);
  if (path === null || !carries(path, lan?.prefix.family ?? 4, index)) return null;
  return lan === undefined || lansFor(source, lan.gateway).includes(lan.prefix) ? path : null;
}

function lanBehind(text: string, index: LinkIndex): { gateway: Node; prefix: Prefix } | undefined {
  for (const gateway of index.nodes) {
    const prefix = gateway.subnets.find((subnet) => subnet.text === text);
    if (prefix !== undefined) return { gateway, prefix };
  }
  return undefined;
}
