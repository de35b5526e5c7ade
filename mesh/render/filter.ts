/**
 * Renders a host's nftables table exactly as `nft -s list table` prints it, so that the two can be compared. Every packet is
 * checked by the addresses and ports that its connection started with (`ct original`, nft(8)), in both directions: answers
 * and ICMP errors pass as long as the connection is allowed, and stop when it no longer is.
 */
import { disjoint, parsePrefix, type Family } from "../addresses";
import type { Network } from "../config/config";
import type { PortRange } from "../config/ports";
import { filterTableName } from "../filter-table";
import type { FilterPlan, FilterRule } from "../plan/filter-plan";
import type { NodePlan } from "../plan/plan";

/** One nftables table without secrets; null for a node that filters nothing. */
export function renderFilter(node: NodePlan, network: Network): string | null {
  const { filter } = node;
  if (filter === null) return null;
  const trusted = "only" in filter.trusted ? filter.trusted.only : filter.trusted.except;
  const sets = {
    trusted: setOf("only" in filter.trusted ? "trusted" : "checked", trusted),
    entrances: setOf("entrances", filter.entrances ?? []),
    rules: filter.rules.map((rule) => ({
      ...rule,
      from: setOf(`from${rule.name}`, rule.from),
      to: setOf(`to${rule.name}`, rule.to),
    })),
  };
  const all = [sets.trusted, sets.entrances, ...sets.rules.flatMap(({ from, to }) => [from, to])];
  const blocks = [...all.flatMap(setLines), ...chainsOf(filter, sets)];
  const lines = blocks.map((block) => block.map((line) => `\t${line}\n`).join("")).join("\n");
  return `table inet ${filterTableName(network.interface)} {\n${lines}}\n`;
}

/** The lines of a set or a chain. */
type Block = string[];

/** Addresses under one name, as nft(8) keeps them: a set for each family. */
interface AddressSet {
  name: string;
  elements: Readonly<Record<Family, readonly string[]>>;
}

interface Sets {
  trusted: AddressSet;
  entrances: AddressSet;
  rules: RuleSets[];
}

interface RuleSets extends Pick<FilterRule, "name" | "ports"> {
  from: AddressSet;
  to: AddressSet;
}

/** How nft(8) writes each family: keyword, set type, and elements in a line. */
const FAMILIES = [
  { family: 4, word: "ip", type: "ipv4_addr", suffix: "", perLine: 2 },
  { family: 6, word: "ip6", type: "ipv6_addr", suffix: "v6", perLine: 1 },
] as const;

function setOf(name: string, prefixes: readonly string[]): AddressSet {
  const all = disjoint(prefixes.map(parsePrefix));
  const texts = (wanted: Family) => all.filter(({ family }) => family === wanted).map(element);
  return { name, elements: { 4: texts(4), 6: texts(6) } };
}

function element({ family, length, text }: ReturnType<typeof parsePrefix>): string {
  const single = length === (family === 4 ? 32 : 128);
  return single ? text.slice(0, text.indexOf("/")) : text;
}

function setLines({ name, elements }: AddressSet): Block[] {
  return FAMILIES.filter(({ family }) => elements[family].length > 0).map(
    ({ family, type, suffix, perLine }) => [
      `set ${name}${suffix} {`,
      `\ttype ${type}`,
      "\tflags interval",
      `\telements = { ${wrapped(elements[family], perLine)} }`,
      "}",
    ],
  );
}

function wrapped(elements: readonly string[], perLine: number): string {
  const separator = (at: number) => (at % perLine === 0 ? ",\n\t\t\t     " : ", ");
  return elements.map((text, at) => (at === 0 ? text : separator(at) + text)).join("");
}

function chainsOf(filter: FilterPlan, sets: Sets): Block[] {
  const withPing = sets.rules.some(({ ports }) => ports !== null);
  return [
    inputChain(filter),
    ...(filter.forwards ? [forwardChain(filter, sets)] : []),
    [
      "chain connections {",
      ...trust(filter, sets),
      ...sets.rules.flatMap(ruleLines),
      "\tdrop",
      "}",
    ],
    ...(withPing ? [PING] : []),
    ...sets.rules.flatMap(portsChain),
  ];
}

function inputChain({ interfaces }: FilterPlan): Block {
  return [
    "chain input {",
    "\ttype filter hook input priority filter; policy accept;",
    `\tiifname ${names(interfaces)} goto connections`,
    "}",
  ];
}

/** On a relay, what comes from outside the tunnel must be from a LAN behind it, or be an answer: it could be spoofed. */
function forwardChain({ interfaces, entrances }: FilterPlan, sets: Sets): Block {
  const out = `\toifname ${names(interfaces)}`;
  const from = matches(sets.entrances, "saddr").map((match) => `${out} ${match} goto connections`);
  return [
    "chain forward {",
    "\ttype filter hook forward priority filter; policy accept;",
    `\tiifname ${names(interfaces)} goto connections`,
    ...(entrances === null
      ? [`${out} goto connections`]
      : [`${out} ct direction reply goto connections`, ...from, `${out} drop`]),
    "}",
  ];
}

function trust({ trusted }: FilterPlan, sets: Sets): string[] {
  if ("only" in trusted) return matches(sets.trusted, "saddr").map((match) => `\t${match} accept`);
  return FAMILIES.map(({ family, word, suffix }) =>
    sets.trusted.elements[family].length === 0
      ? `\tmeta nfproto ipv${family} accept`
      : `\tct original ${word} saddr != @checked${suffix} accept`,
  );
}

/** A jump, so that a packet that the chain does not accept is checked by the rules below too. */
function ruleLines({ name, from, to, ports }: RuleSets): string[] {
  const verdict =
    ports === null ? "accept" : `jump ${ports.length === 0 ? "ping" : `ports${name}`}`;
  return FAMILIES.filter(
    ({ family }) => from.elements[family].length > 0 && to.elements[family].length > 0,
  ).map(
    ({ word, suffix }) =>
      `\tct original ${word} saddr @${from.name}${suffix} ct original ${word} daddr @${to.name}${suffix} ${verdict}`,
  );
}

/** One rule for each range: nft 1.0 does not print sets of `proto-dst` in a form that it reads. */
function portsChain({ name, ports }: RuleSets): Block[] {
  if (ports === null || ports.length === 0) return [];
  return [[`chain ports${name} {`, ...ports.map(portRule), "\tgoto ping", "}"]];
}

function portRule({ protocol, first, last }: PortRange): string {
  const range = first === last ? `${first}` : `${first}-${last}`;
  return `\tmeta l4proto ${protocol} ct original proto-dst ${range} accept`;
}

/** Also errors about connections between the two, such as "fragmentation needed", which path MTU discovery relies on. */
const PING: Block = [
  "chain ping {",
  "\tct state related accept",
  "\ticmp type { echo-reply, echo-request } accept",
  "\ticmpv6 type { echo-request, echo-reply } accept",
  "}",
];

function matches({ name, elements }: AddressSet, field: "saddr" | "daddr"): string[] {
  return FAMILIES.filter(({ family }) => elements[family].length > 0).map(
    ({ word, suffix }) => `ct original ${word} ${field} @${name}${suffix}`,
  );
}

function names(interfaces: readonly string[]): string {
  const quoted = [...interfaces].sort().map((name) => `"${name}"`);
  return quoted.length === 1 ? quoted.join("") : `{ ${quoted.join(", ")} }`;
}
