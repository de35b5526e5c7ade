/** Issues that need the finished plan: pairs without a path, and `expect` entries that fail. */
import type { Prefix } from "../addresses";
import type { MeshConfig, Node } from "../config/config";
import { error, type Issue } from "../config/issue";
import { lansFor } from "./allowed-ips";
import { carries, indexLinks, pathBetween, type LinkIndex } from "./paths";
import type { Plan } from "./plan";

export function planIssues(plan: Plan, config: MeshConfig): Issue[] {
  const index = indexLinks(plan.nodes, plan.links);
  return [...unreachablePairs(index), ...expectationIssues(config, index)];
}

/** Pairs without a path, each reported once, at its first node. */
function unreachablePairs(index: LinkIndex): Issue[] {
  // Shortcut: with a home relay for every peer, all pairs have a path.
  if (index.nodes.every((node) => node.kind === "relay" || node.relay !== null)) return [];
  return index.nodes.flatMap((from, at) => {
    const unreachable = index.nodes
      .slice(at + 1)
      .filter((to) => pathBetween(from, to, index) === null);
    if (unreachable.length === 0) return [];
    const names = unreachable.slice(0, 3).map((node) => node.name);
    const more =
      unreachable.length > names.length ? ` and ${unreachable.length - names.length} more` : "";
    const message = `has no path to ${names.join(", ")}${more}: neither side can dial the other, and no relay connects them`;
    return [
      error(`${from.kind}s.${from.name}`, message, "add a relay, or an endpoint to one side"),
    ];
  });
}

function expectationIssues(config: MeshConfig, index: LinkIndex): Issue[] {
  return config.expect.flatMap((expected, at) => {
    const path = reachPath(expected.from, expected.to, index);
    if ((path !== null) === expected.reach) return [];
    const found = path === null ? "there is no path" : `the path is ${path.join(" -> ")}`;
    const wanted = expected.reach ? "should reach" : "should not reach";
    const message = `${expected.from} ${wanted} ${expected.to}, but ${found}`;
    return [error(`expect[${at}]`, message, "change the network, or the expectation")];
  });
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
