/** What only the finished plan can tell: pairs that nothing joins, and assertions on reachability that fail. */
import type { Prefix } from "../addresses";
import type { MeshConfig, Node } from "../config/config";
import { error, type Issue } from "../config/issue";
import { lansFor } from "./allowed-ips";
import { carries, indexLinks, pathBetween, type LinkIndex } from "./paths";
import type { Plan } from "./plan";

export function planIssues(plan: Plan, config: MeshConfig): Issue[] {
  const index = indexLinks(plan.nodes, plan.links);
  return [...apart(index), ...expectationIssues(config, index)];
}

/** Without a relay, two nodes that nobody can dial are apart. Each pair is named once, at its first node. */
function apart(index: LinkIndex): Issue[] {
  // Relays are linked to each other and peers to their home: with a home for everyone no pair is apart.
  if (index.nodes.every((node) => node.kind === "relay" || node.relay !== null)) return [];
  return index.nodes.flatMap((from, at) => {
    const lost = index.nodes.slice(at + 1).filter((to) => pathBetween(from, to, index) === null);
    if (lost.length === 0) return [];
    const names = lost.slice(0, 3).map((node) => node.name);
    const more = lost.length > names.length ? ` and ${lost.length - names.length} more` : "";
    const message = `has no path to ${names.join(", ")}${more}: neither side can dial the other, and no relay joins them`;
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
    return [
      error(`expect[${at}]`, message, "change the network until it holds, or the expectation"),
    ];
  });
}

/** Null too where one of the two takes no part. */
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
