/** The content of a picture of the network, without secrets. */
import { addressesOf, formatEndpoint, type Subnet } from "../config/config";
import type { Link } from "../plan/links";
import type { NodePlan, Plan } from "../plan/plan";
import { exitsOf } from "../plan/nat-plan";
import { rulesOf } from "../plan/reachability";

/** All lists are sorted, so that adding a node changes only its own entries. */
export interface Topology {
  nodes: DrawnNode[];
  links: DrawnLink[];
  lans: DrawnLan[];
  exits: DrawnExit[];
  /** The rules of the policy; null without one. */
  rules: DrawnRule[] | null;
}

/** The state or the change of a part of the network: `tone` is its colour, `words` say the same as text. */
export interface Mark {
  tone: "good" | "partly" | "bad" | "quiet" | "added" | "removed";
  /** May be empty. */
  words: string;
}

export interface Marked {
  mark: Mark | null;
}

export interface DrawnNode extends Marked {
  name: string;
  /** A device is a peer without a host. */
  kind: "relay" | "peer" | "device";
  addresses: string[];
  /** Where other nodes dial it; null: they cannot. */
  endpoint: string | null;
  site: string | null;
  /** Whether it is a relay that is an exit. */
  exit: boolean;
  /** The outer address of its packets, as other nodes see it; null: unknown. */
  seenFrom: string | null;
}

export interface DrawnLink extends Marked {
  a: string;
  b: string;
  /** Which end dials the other. */
  dials: "a" | "b" | "both";
  /** Between two peers, without a relay. */
  direct: boolean;
}

/** A LAN behind a gateway. */
export interface DrawnLan extends Marked {
  lan: string;
  gateway: string;
  /** The LAN's own prefix, if it is mapped to another one in the network. */
  own: string | null;
}

/** A peer whose traffic leaves through a relay. */
export interface DrawnExit extends Marked {
  peer: string;
  relay: string;
}

export interface DrawnRule extends Marked {
  text: string;
}

export function topologyOf(plan: Plan): Topology {
  const nodes = new Map(plan.nodes.map((node) => [node.name, node]));
  const rules = rulesOf(plan.policy);
  const dialled = new Set(plan.nodes.flatMap(dialledBy));
  return {
    nodes: plan.nodes.map(nodeOf),
    links: plan.links.flatMap((link) => linkOf(link, nodes, dialled)),
    lans: plan.nodes.flatMap(({ name, subnets }) => subnets.map((subnet) => lanOf(name, subnet))),
    exits: Object.entries(exitsOf(plan.nodes)).map(([peer, relay]) => ({
      ...{ peer, relay },
      mark: null,
    })),
    rules: rules?.map((text) => ({ text, mark: null })) ?? null,
  };
}

function nodeOf(node: NodePlan): DrawnNode {
  const { name, kind, hosts, endpoint, site } = node;
  return {
    name,
    kind: kind === "peer" && hosts.length === 0 ? "device" : kind,
    addresses: addressesOf(node).map(({ text }) => text),
    endpoint: endpoint === null ? null : formatEndpoint(endpoint),
    site,
    exit: node.exit === true,
    seenFrom: null,
    mark: null,
  };
}

function linkOf(
  { a, b }: Link,
  nodes: ReadonlyMap<string, NodePlan>,
  dialled: ReadonlySet<string>,
): DrawnLink[] {
  const [one, other] = [nodes.get(a), nodes.get(b)];
  if (one === undefined || other === undefined) return [];
  const dials = dialling(a, b, dialled);
  return [{ a, b, dials, direct: one.kind === "peer" && other.kind === "peer", mark: null }];
}

function dialledBy({ name, sections }: NodePlan): string[] {
  return sections.flatMap((section) =>
    section.endpoint === null ? [] : [`${name} ${section.name}`],
  );
}

/** `dialled` contains `NODE OTHER` if NODE dials OTHER. At least one end of a link dials. */
export function dialling(a: string, b: string, dialled: ReadonlySet<string>): DrawnLink["dials"] {
  const [one, other] = [dialled.has(`${a} ${b}`), dialled.has(`${b} ${a}`)];
  return one && other ? "both" : one ? "a" : "b";
}

function lanOf(gateway: string, { text, lan }: Subnet): DrawnLan {
  return { lan: text, gateway, own: lan?.text ?? null, mark: null };
}
