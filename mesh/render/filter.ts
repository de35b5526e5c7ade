/**
 * Renders a host's nftables table exactly as `nft -s list table` prints it, so that the two can be compared. Every packet is
 * checked by the addresses and ports that its connection started with (`ct original`, nft(8)), in both directions: answers
 * and ICMP errors pass as long as the connection is allowed, and stop when it no longer is.
 */
import type { Network } from "../config/config";
import type { PortRange } from "../config/ports";
import { filterTable } from "../filter-table";
import type { FilterPlan, FilterRule } from "../plan/filter-plan";
import type { NodePlan } from "../plan/plan";
import { FAMILIES, setLines, setOf, type AddressSet, type Block } from "./address-sets";
import { natBlocks } from "./nat";
import { bypassBlocks } from "./tunnel-bypass";

/** One nftables table without secrets; null for a node that needs none. */
export function renderFilter(node: NodePlan, network: Network): string | null {
  const { filter, nat } = node;
  const bypass = bypassBlocks(node, network);
  if (filter === null && nat === undefined && bypass.length === 0) return null;
  const translation = natBlocks(nat);
  const sets = filter === null ? null : setsOf(filter);
  const blocks = [
    ...(sets === null ? [] : allSets(sets).flatMap(setLines)),
    ...translation.sets,
    ...(filter === null || sets === null ? [] : chainsOf(filter, sets, translation.leaving)),
    ...translation.chains,
    ...bypass,
  ];
  const lines = blocks.map((block) => block.map((line) => `\t${line}\n`).join("")).join("\n");
  return `table ${filterTable(network.interface)} {\n${lines}}\n`;
}

function setsOf(filter: FilterPlan): Sets {
  const trusted = "only" in filter.trusted ? filter.trusted.only : filter.trusted.except;
  return {
    trusted: setOf("only" in filter.trusted ? "trusted" : "checked", trusted),
    apart: setOf("apart", "only" in filter.trusted ? filter.trusted.apart : []),
    entrances: setOf("entrances", filter.entrances ?? []),
    rules: filter.rules.map((rule) => ({
      ...rule,
      from: setOf(`from${rule.name}`, rule.from),
      to: setOf(`to${rule.name}`, rule.to),
    })),
  };
}

function allSets({ trusted, apart, entrances, rules }: Sets): AddressSet[] {
  return [trusted, apart, entrances, ...rules.flatMap(({ from, to }) => [from, to])];
}

interface Sets {
  trusted: AddressSet;
  apart: AddressSet;
  entrances: AddressSet;
  rules: RuleSets[];
}

interface RuleSets extends Pick<FilterRule, "name" | "ports"> {
  from: AddressSet;
  to: AddressSet;
}

/** `leaving`: rules for packets that leave the network through an exit. */
function chainsOf(filter: FilterPlan, sets: Sets, leaving: readonly string[]): Block[] {
  const withPing = sets.rules.some(({ ports }) => ports !== null);
  return [
    inputChain(filter),
    ...(filter.forwards ? [forwardChain(filter, sets)] : []),
    ...(filter.sends ? [outputChain(filter)] : []),
    [
      "chain connections {",
      ...leaving,
      ...trustRules(filter, sets),
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
    ...interfaces.map((name) => `\tiifname "${name}" goto connections`),
    "}",
  ];
}

/** On a relay, packets from outside the tunnel must come from a LAN behind it or be answers; others could be spoofed. */
function forwardChain({ interfaces, entrances }: FilterPlan, sets: Sets): Block {
  const from = matches(sets.entrances, "saddr").map((match) => `${match} goto connections`);
  const entering =
    entrances === null
      ? ["goto connections"]
      : ["ct direction reply goto connections", ...from, "drop"];
  return [
    "chain forward {",
    "\ttype filter hook forward priority filter; policy accept;",
    ...interfaces.map((name) => `\tiifname "${name}" goto connections`),
    ...interfaces.flatMap((name) => entering.map((rule) => `\toifname "${name}" ${rule}`)),
    "}",
  ];
}

/** Pings may always leave, since they start handshakes. If the policy forbids them, the answer is dropped. */
function outputChain({ interfaces }: FilterPlan): Block {
  const rules = [
    "icmp type echo-request accept",
    "icmpv6 type echo-request accept",
    "goto connections",
  ];
  return [
    "chain output {",
    "\ttype filter hook output priority filter; policy accept;",
    ...interfaces.flatMap((name) => rules.map((rule) => `\toifname "${name}" ${rule}`)),
    "}",
  ];
}

function trustRules({ trusted }: FilterPlan, sets: Sets): string[] {
  if ("only" in trusted) return trustOnly(sets);
  return FAMILIES.map(({ family, keyword, suffix }) =>
    sets.trusted.elements[family].length === 0
      ? `\tmeta nfproto ipv${family} accept`
      : `\tct original ${keyword} saddr != @checked${suffix} accept`,
  );
}

function trustOnly({ trusted, apart }: Sets): string[] {
  return FAMILIES.filter(({ family }) => trusted.elements[family].length > 0).map(
    ({ family, keyword, suffix }) => {
      const source = `ct original ${keyword} saddr`;
      const others =
        apart.elements[family].length > 0 ? ` ${source} != @${apart.name}${suffix}` : "";
      return `\t${source} @${trusted.name}${suffix}${others} accept`;
    },
  );
}

/** A jump, so that a packet that the chain does not accept is checked by the rules below too. */
function ruleLines({ name, from, to, ports }: RuleSets): string[] {
  const verdict =
    ports === null ? "accept" : `jump ${ports.length === 0 ? "ping" : `ports${name}`}`;
  return FAMILIES.filter(
    ({ family }) => from.elements[family].length > 0 && to.elements[family].length > 0,
  ).map(
    ({ keyword, suffix }) =>
      `\tct original ${keyword} saddr @${from.name}${suffix} ct original ${keyword} daddr @${to.name}${suffix} ${verdict}`,
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

/** Pings, and ICMP errors about allowed connections, such as "fragmentation needed", which path MTU discovery relies on. */
const PING: Block = [
  "chain ping {",
  "\tct state related accept",
  "\ticmp type { echo-reply, echo-request } accept",
  "\ticmpv6 type { echo-request, echo-reply } accept",
  "}",
];

function matches({ name, elements }: AddressSet, field: "saddr" | "daddr"): string[] {
  return FAMILIES.filter(({ family }) => elements[family].length > 0).map(
    ({ keyword, suffix }) => `ct original ${keyword} ${field} @${name}${suffix}`,
  );
}
