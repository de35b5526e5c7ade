/** A network and its former version in one picture: what a change adds and removes. */
import type { Plan } from "../plan/plan";
import {
  keysByNeighbour,
  neighbourIn,
  parseConfig,
  type ConfigText,
} from "../review/config-changes";
import { recordOf, type NetworkRecord, type NodeRecord } from "../review/record";
import { isEmpty, reviewOf, type Review } from "../review/review";
import { shortList } from "../review/short-list";
import type { Note } from "./picture";
import {
  dialling,
  topologyOf,
  type DrawnLink,
  type DrawnNode,
  type Mark,
  type Marked,
  type Topology,
} from "./topology";

/** The planned network with everything that only `before` has, each difference marked. The notes list the other changes. */
export function changedNetwork(
  plan: Plan,
  before: NetworkRecord,
): { topology: Topology; notes: Note[] } {
  const topology = withChanges(topologyOf(plan), recordedTopology(before));
  return { topology, notes: notesOf(reviewOf(before, recordOf(plan))) };
}

function notesOf(review: Review): Note[] {
  const changed = review.nodes.flatMap(({ node, change }) => (change === "changed" ? [node] : []));
  const others = changed.length === 0 ? [] : [`Others that change: ${shortList(changed)}`];
  return isEmpty(review) ? [note(["Nothing changes."])] : others.map((line) => note([line]));
}

function note(lines: string[]): Note {
  return { title: "", lines };
}

function withChanges(after: Topology, was: Topology): Topology {
  const nodes = merged(was.nodes, after.nodes, ({ name }) => name);
  const marked = new Set(nodes.flatMap(({ name, mark }) => (mark === null ? [] : [name])));
  const hasPolicy = was.rules !== null || after.rules !== null;
  return {
    nodes,
    links: merged(was.links, after.links, ({ a, b }) => `${a} ${b}`).map((link) =>
      marked.has(link.a) || marked.has(link.b) ? withoutLabel(link) : link,
    ),
    lans: merged(was.lans, after.lans, ({ gateway, lan }) => `${gateway} ${lan}`),
    exits: merged(was.exits, after.exits, ({ peer, relay }) => `${peer} ${relay}`),
    // In the order of the config.
    rules: hasPolicy ? compared(was.rules ?? [], after.rules ?? [], ({ text }) => text) : null,
  };
}

const ADDED: Mark = { tone: "added", words: "added" };
const REMOVED: Mark = { tone: "removed", words: "removed" };

/** The links of an added or removed node need no label: the node has one. */
function withoutLabel(link: DrawnLink): DrawnLink {
  return link.mark === null ? link : { ...link, mark: { ...link.mark, words: "" } };
}

/** Sorted by key, as both lists are. */
function merged<T extends Marked>(
  before: readonly T[],
  after: readonly T[],
  key: (item: T) => string,
): T[] {
  return compared(before, after, key).sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** The items of `after`, then those that only `before` has. */
function compared<T extends Marked>(
  before: readonly T[],
  after: readonly T[],
  key: (item: T) => string,
): T[] {
  const [was, is] = [new Set(before.map(key)), new Set(after.map(key))];
  return [
    ...after.map((item) => (was.has(key(item)) ? item : { ...item, mark: ADDED })),
    ...before.filter((item) => !is.has(key(item))).map((item) => ({ ...item, mark: REMOVED })),
  ];
}

/** A record contains neither sites nor a node's endpoint. */
function recordedTopology({ nodes, reachability }: NetworkRecord): Topology {
  const texts = new Map([...nodes].map(([name, { config }]) => [name, parseConfig(config)]));
  const { lans, exits = {}, policy } = reachability;
  const facts = { mark: null };
  const dialled = new Set([...texts].flatMap(([name, text]) => recordedDialling(name, text)));
  return {
    nodes: [...nodes].map(([name, node]) => recordedNode(name, node, texts.get(name))),
    links: [...texts].flatMap(([name, text]) => recordedLinks(name, text, nodes, dialled)),
    lans: Object.entries(lans).map(([lan, gateway]) => ({ lan, gateway, own: null, ...facts })),
    exits: Object.entries(exits).map(([peer, relay]) => ({ peer, relay, ...facts })),
    rules: policy?.map((text) => ({ text, ...facts })) ?? null,
  };
}

function recordedNode(
  name: string,
  { kind, pushed }: NodeRecord,
  text: ConfigText | undefined,
): DrawnNode {
  const addresses = text?.settings.get("Address")?.split(", ") ?? [];
  return {
    name,
    kind: kind === "peer" && !pushed ? "device" : kind,
    addresses: addresses.map((address) => address.replace(/\/\d+$/, "")),
    endpoint: null,
    site: null,
    exit: false,
    seenFrom: null,
    mark: null,
  };
}

/** Only links to nodes with a later name, so that each link is listed once. */
function recordedLinks(
  a: string,
  text: ConfigText,
  nodes: NetworkRecord["nodes"],
  dialled: ReadonlySet<string>,
): DrawnLink[] {
  const direct = (b: string) => [a, b].every((name) => nodes.get(name)?.kind === "peer");
  return [...keysByNeighbour(text).keys()]
    .filter((b) => a < b && nodes.has(b))
    .map((b) => ({ a, b, dials: dialling(a, b, dialled), direct: direct(b), mark: null }));
}

function recordedDialling(name: string, { peers }: ConfigText): string[] {
  return [...peers].flatMap(([title, settings]) =>
    settings.has("Endpoint") ? [`${name} ${neighbourIn(title)}`] : [],
  );
}
