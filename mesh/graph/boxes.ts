/** The boxes of a picture: nodes, groups of them, LANs and sites. */
import type { NodeGroup } from "./node-groups";
import { wrapList } from "./wrap-list";
import type { DrawnLan, DrawnNode, Mark, Topology } from "./topology";

export interface Box {
  /** Unique: letters, digits and underscores. Depends only on the box, so that another change does not change it. */
  id: string;
  kind: "relay" | "peer" | "device" | "group" | "lan" | "internet";
  /** The site's id. */
  site: string | null;
  /** The first line is its title. */
  text: string[];
  mark: Mark | null;
}

export interface Site {
  id: string;
  title: string;
}

export const INTERNET = "internet";

/** Unique, because names have no underscores. */
export function nodeId(name: string): string {
  return `n_${name.replaceAll("-", "_")}`;
}

export function idOf({ nodes }: NodeGroup): string {
  const [first] = nodes;
  const id = nodeId(first?.name ?? "");
  return nodes.length === 1 ? id : `group_${id}`;
}

function siteIdOf(site: string | null): string | null {
  return site === null ? null : siteId(site);
}

function siteId(site: string): string {
  return `site_${site.replaceAll("-", "_")}`;
}

/** Includes the gateway, because a change may move a LAN from one to another. */
export function lanId({ lan, gateway }: DrawnLan): string {
  return `lan_${lan.replaceAll(/[./]/g, "_").replaceAll(":", "x")}_of_${nodeId(gateway)}`;
}

export function nodeBox(node: DrawnNode): Box {
  const { name, kind, site, addresses, endpoint, seenFrom, mark } = node;
  const what = kind === "relay" ? [node.exit ? "relay and exit" : "relay"] : [];
  const isOutside = seenFrom !== null && endpoint === null && site === null;
  return {
    id: nodeId(name),
    kind,
    site: siteIdOf(site),
    text: [
      name,
      ...(kind === "device" ? ["device"] : what),
      ...addresses,
      ...(endpoint === null ? [] : [`at ${endpoint.replace(/^<.*>/, "its Elastic IP")}`]),
      ...(isOutside ? [`behind NAT ${seenFrom}`] : []),
      ...labelLines(mark),
    ],
    mark,
  };
}

/** Characters in a row of a group. */
const ROW = 42;

export function groupBox(group: NodeGroup, { lans }: Topology): Box {
  const { nodes, linked } = group;
  const [first] = nodes;
  const behind = Map.groupBy(lans, ({ gateway }) => gateway);
  const names = nodes.map(({ name }) => {
    const own = behind.get(name)?.map(lanText) ?? [];
    return own.length === 0 ? name : `${name}: ${own.join(", ")}`;
  });
  return {
    id: idOf(group),
    kind: "group",
    site: siteIdOf(first?.site ?? null),
    text: [
      `${nodes.length} ${first?.kind ?? "node"}s`,
      ...(linked ? ["each linked to all the others"] : []),
      ...wrapList(names, ROW),
      ...labelLines(first?.mark ?? null),
    ],
    mark: first?.mark ?? null,
  };
}

export function labelLines(mark: Mark | null): string[] {
  return mark === null || mark.words === "" ? [] : [mark.words];
}

function lanText({ lan, own }: DrawnLan): string {
  return own === null ? lan : `${lan} for ${own}`;
}

export function lanBox(lan: DrawnLan, site: string | null): Box {
  return {
    id: lanId(lan),
    kind: "lan",
    site: siteIdOf(site),
    text: [`LAN ${lanText(lan)}`, ...labelLines(lan.mark)],
    mark: lan.mark,
  };
}

export function internetBox(): Box {
  return { id: INTERNET, kind: "internet", site: null, text: ["the internet"], mark: null };
}

/** The nodes of a site without an endpoint are behind its NAT or firewall. */
export function sitesOf(nodes: readonly DrawnNode[]): Site[] {
  const sites = Map.groupBy(nodes, ({ site }) => site ?? "");
  sites.delete("");
  return [...sites]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([site, members]) => {
      const inside = members.filter(({ endpoint }) => endpoint === null);
      const seen = [...new Set(inside.flatMap(({ seenFrom }) => seenFrom ?? []))].sort();
      const nat = inside.length === 0 ? "" : ["behind NAT", ...seen].join(" ");
      return {
        id: siteId(site),
        title: ["site " + site, nat].filter((it) => it !== "").join(", "),
      };
    });
}
