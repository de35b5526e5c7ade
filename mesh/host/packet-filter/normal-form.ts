/**
 * Compares two texts of an nft(8) table by what they mean: versions of nft differ in spelling, in the order of the elements of
 * a set, and in how they join neighbouring ones.
 */
import { spanOf } from "./match";
import { statements } from "./nft-ruleset";

/** Lines that only one of two tables has, as `BLOCK: LINE`; if both are empty, the lines are in another order. */
export interface TableDifference {
  missing: string[];
  extra: string[];
}

interface Line {
  /** In the normal form. */
  normal: string;
  /** As it was written, on one line. */
  written: string;
}

/** Null if both tables mean the same. */
export function tableDifference(
  is: readonly string[],
  wanted: readonly string[],
): TableDifference | null {
  if (is.join("\n") === wanted.join("\n")) return null;
  const [present, planned] = [linesOf(is), linesOf(wanted)];
  const text = (lines: readonly Line[]) => lines.map(({ normal }) => normal).join("\n");
  if (text(present) === text(planned)) return null;
  return { missing: without(planned, present), extra: without(present, planned) };
}

/** Those of `lines` that are not among `others`, each counted. */
function without(lines: readonly Line[], others: readonly Line[]): string[] {
  const counts = new Map<string, number>();
  for (const { normal } of others) counts.set(normal, (counts.get(normal) ?? 0) + 1);
  return lines.flatMap(({ normal, written }) => {
    const left = counts.get(normal) ?? 0;
    counts.set(normal, left - 1);
    return left > 0 ? [] : [written];
  });
}

/** The blocks are sorted by name, the lines of each are in their order. */
function linesOf(table: readonly string[]): Line[] {
  const blocks = new Map<string, Line[]>();
  const open: string[] = [];
  for (const words of statements(table)) {
    if (words[0] === "}") open.pop();
    else if (words.at(-1) === "{") {
      open.push(words.slice(0, -1).join(" "));
      blocks.set(open.join(" "), []);
    } else {
      const block = open.slice(1).join(" ");
      const written = `${block}: ${words
        .map(withQuote)
        .join(" ")
        .replaceAll(/ (?=[,;])/g, "")}`;
      blocks.get(open.join(" "))?.push({ normal: `${block}: ${normalLine(words)}`, written });
    }
  }
  return [...blocks]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, lines]) => [{ normal: name, written: name }, ...lines]);
}

/** words() leaves the closing quote out. */
function withQuote(word: string): string {
  return word.startsWith('"') ? `${word}"` : word;
}

const PRIORITIES: Readonly<Record<string, number>> = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
};

/** nft prints names only where /etc/protocols has them. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  icmp: "1",
  tcp: "6",
  udp: "17",
  icmpv6: "58",
  "ipv6-icmp": "58",
  sctp: "132",
};

/** Conditions that a later one implies; only some versions print them. */
const IMPLIED: readonly [RegExp, RegExp][] = [
  [/(^| )meta nfproto ipv4(?= )/, / (ip|icmp) /],
  [/(^| )meta nfproto ipv6(?= )/, / (ip6|icmpv6) /],
  [/(^| )meta l4proto 1(?= )/, / icmp /],
  [/(^| )meta l4proto 6(?= )/, / tcp /],
  [/(^| )meta l4proto 17(?= )/, / udp /],
  [/(^| )meta l4proto 58(?= )/, / icmpv6 /],
];

/** Normal spellings of what versions of nft print differently. */
const SPELLINGS: readonly [RegExp, string][] = [
  [/(^| )"(?=[\w.*@+=-]+(?: |$))/g, "$1"],
  [/(^| )meta (?=(?:iif|oif|iifname|oifname) )/g, "$1"],
  [/ counter packets \d+ bytes \d+/g, " counter"],
  [/^counter packets \d+ bytes \d+/, "counter"],
  [/ burst 5 packets/g, ""],
  [/ with (icmpx|icmp|icmpv6) type /g, " with $1 "],
  [/reject with icmpx port-unreachable/, "reject"],
  [/tcp flags & \( ([^()]*) \) == (\S+)/, "tcp flags $2 / $1"],
  [/ log((?: prefix \S+)?) level warn/, " log$1"],
  [/\b0x0+(?=[0-9a-f])/g, "0x"],
];

/** `words` as words() splits them with the marks `{}(),;`. */
function normalLine(words: readonly string[]): string {
  let text = withSets(words.flatMap(flagsIn)).join(" ");
  for (const [pattern, spelling] of SPELLINGS) text = text.replace(pattern, spelling);
  text = text.replace(/\bpriority ([a-z]+|-?\d+)(?: ([+-]) (\d+))?/, normalPriority);
  text = text.replace(/\b(l4proto|protocol|nexthdr) (!= )?(\S+)/, (_, field, not = "", name) =>
    [field, `${String(not)}${protocolNumber(String(name))}`].join(" "),
  );
  text = text.replace(/\{ ([^{}]*?) ?\}/g, (_, list: string) => normalSet(list));
  for (const [implied, by] of IMPLIED) {
    const rest = text.replace(implied, "");
    if (rest !== text && by.test(` ${rest}`)) text = rest.trimStart();
  }
  return text.split(" ").map(normalWord).join(" ");
}

/** `syn|rst` is `syn,rst` in newer versions. */
function flagsIn(word: string): string[] {
  if (word.startsWith('"')) return [word];
  return word.split(/(\|)/).flatMap((it) => (it === "|" ? "," : it === "" ? [] : it));
}

/** A list without braces is a set of flags, of which one has to be there: braces are put around it. */
function withSets(words: readonly string[]): string[] {
  const all: string[] = [];
  let depth = 0;
  let inList = false;
  words.forEach((word, at) => {
    if (word === "{") depth++;
    if (word === "}") depth--;
    const goesOn = word === "," || words[at + 1] === ",";
    if (depth === 0 && goesOn && !inList) all.push("{");
    if (depth === 0) inList ||= goesOn;
    all.push(word);
    if (!inList || goesOn) return;
    all.push("}");
    inList = false;
  });
  return all;
}

function normalPriority(_: string, base: string, sign = "+", more = "0"): string {
  const number = PRIORITIES[base] ?? Number(base);
  return `priority ${sign === "-" ? number - Number(more) : number + Number(more)}`;
}

function protocolNumber(name: string): string {
  return PROTOCOLS[name] ?? name;
}

/** Plain addresses and numbers are joined where they touch; a set of one is its element. */
function normalSet(list: string): string {
  const elements = list.split(" , ").map((element) => {
    const words = element.trim().split(" ");
    return words.map((word) => normalWord(protocolNumber(word))).join(" ");
  });
  const spans = elements.map(spanIn);
  const all = spans.every((span) => span !== null) ? joined(spans) : [...new Set(elements)].sort();
  return all.length === 1 ? (all[0] ?? "") : `{ ${all.join(" , ")} }`;
}

/** `kind`: numbers, and addresses of either family. */
interface KindSpan {
  kind: string;
  first: bigint;
  last: bigint;
}

const SPAN = /^(|4:|6:)(\d{1,39})(?:-(\d{1,39}))?$/;

/** Of a normal word; null if it is neither a number nor an address. */
function spanIn(word: string): KindSpan | null {
  const [found, kind = "", first = "", last = first] = SPAN.exec(word) ?? [];
  return found === undefined ? null : { kind, first: BigInt(first), last: BigInt(last) };
}

function joined(spans: readonly KindSpan[]): string[] {
  const sorted = [...spans].sort((a, b) =>
    a.kind !== b.kind ? (a.kind < b.kind ? -1 : 1) : a.first < b.first ? -1 : 1,
  );
  const all: KindSpan[] = [];
  for (const span of sorted) {
    const before = all.at(-1);
    if (before?.kind !== span.kind || span.first > before.last + 1n) all.push({ ...span });
    else if (span.last > before.last) before.last = span.last;
  }
  return all.map(({ kind, first, last }) => `${kind}${first}${first === last ? "" : `-${last}`}`);
}

/** An address, a prefix or a range of addresses as numbers; any other word as it is. */
function normalWord(word: string): string {
  const family = word.includes(":") ? 6 : 4;
  const span = /[.:]/.test(word) ? spanOf(word, family) : null;
  if (span === null) return word;
  const [first, last] = span;
  return `${family}:${first}${first === last ? "" : `-${last}`}`;
}
