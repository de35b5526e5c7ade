/**
 * A test oracle for rendered nftables tables: parses the text and follows a packet through the chains of a hook, as nft(8)
 * describes it. It supports only what rendered tables have, and fails on anything else. Independent of the code that renders.
 */
import { isInPrefix } from "./address-bits";

export type Protocol = "icmp" | "tcp" | "udp";

/** What a connection started with. */
export interface Connection {
  source: string;
  destination: string;
  protocol: Protocol;
  /** Destination port; 0 for a ping. */
  port: number;
}

export interface FilteredPacket {
  hook: "input" | "forward" | "output" | "postrouting";
  /** Interface names; null: none at this hook. */
  input: string | null;
  output: string | null;
  connection: Connection;
  direction: "original" | "reply";
}

interface Table {
  sets: Map<string, string[]>;
  chains: Map<string, Chain>;
}

interface Chain {
  /** The hook of a base chain and its policy. */
  base: { hook: string; policy: string } | null;
  rules: string[][];
}

const known = new Map<string, Table>();

/** Whether the base chains of the hook accept the packet. */
export function isAccepted(text: string, packet: FilteredPacket): boolean {
  const table = tableOf(text);
  const chains = [...table.chains.values()].filter(({ base }) => base?.hook === packet.hook);
  return chains.every((chain) => (run(chain, table, packet) ?? chain.base?.policy) === "accept");
}

/** Whether the first packet of a connection that leaves by `output` gets the address of that interface as its source. */
export function isMasqueraded(
  text: string,
  { output, connection }: Pick<FilteredPacket, "output" | "connection">,
): boolean {
  const table = tableOf(text);
  const packet = {
    hook: "postrouting",
    input: null,
    output,
    connection,
    direction: "original",
  } as const;
  const chains = [...table.chains.values()].filter(({ base }) => base?.hook === packet.hook);
  return chains.some((chain) => run(chain, table, packet) === "masquerade");
}

function tableOf(text: string): Table {
  const table = known.get(text) ?? parse(text);
  known.set(text, table);
  return table;
}

function parse(text: string): Table {
  const table: Table = { sets: new Map(), chains: new Map() };
  const blocks = [...text.matchAll(/^\t(set|chain) (\S+) \{\n([^]*?)^\t\}\n/gm)];
  for (const [, kind, name = "", body = ""] of blocks) {
    if (kind === "set") table.sets.set(name, elementsIn(body));
    else table.chains.set(name, chainIn(body));
  }
  return table;
}

function elementsIn(body: string): string[] {
  const [, list = ""] = /elements = \{([^}]*)\}/.exec(body) ?? [];
  return list.split(",").map((element) => {
    const written = element.trim();
    return written.includes("/") ? written : `${written}/${written.includes(":") ? 128 : 32}`;
  });
}

function chainIn(body: string): Chain {
  const lines = body.split("\n").map((line) => line.trim());
  const [, hook = "", policy = ""] =
    /^type (?:filter|nat) hook (\w+) priority (?:filter|srcnat); policy (\w+);$/.exec(
      lines[0] ?? "",
    ) ?? [];
  const rules = lines.slice(hook === "" ? 0 : 1).filter((line) => line !== "");
  return { base: hook === "" ? null : { hook, policy }, rules: rules.map(wordsOf) };
}

/** `{ a, b }` is one word. */
function wordsOf(rule: string): string[] {
  return rule.match(/\{[^}]*\}|\S+/g) ?? [];
}

/** The verdict of a chain; undefined: its end was reached. */
function run(chain: Chain, table: Table, packet: FilteredPacket): string | undefined {
  for (const words of chain.rules) {
    const rest = [...words];
    if (!matchesAll(rest, table, packet)) continue;
    const [verdict = "", target = ""] = rest;
    if (["accept", "drop", "masquerade"].includes(verdict)) return verdict;
    if (rest.join(" ") === "tcp option maxseg size set rt mtu") continue;
    const next = table.chains.get(target);
    if (next === undefined) throw new Error(`no chain ${target} for: ${words.join(" ")}`);
    const end = run(next, table, packet);
    if (end !== undefined || verdict === "goto") return end;
    if (verdict !== "jump") throw new Error(`unknown verdict: ${words.join(" ")}`);
  }
  return undefined;
}

const STATEMENTS = ["accept", "drop", "masquerade", "jump", "goto"];

/** Takes the matches from the front of `words` as long as they hold. */
function matchesAll(words: string[], table: Table, packet: FilteredPacket): boolean {
  while (!(STATEMENTS.includes(words[0] ?? "") || words.slice(0, 2).join(" ") === "tcp option")) {
    if (!matches(words, table, packet)) return false;
  }
  return true;
}

function matches(words: string[], { sets }: Table, packet: FilteredPacket): boolean {
  const { connection, direction } = packet;
  const six = connection.source.includes(":");
  const ping = direction === "original" ? "echo-request" : "echo-reply";
  const word = words.shift() ?? "";
  const field = [word];
  while (!isValue(words[0] ?? "")) field.push(words.shift() ?? "");
  const negated = words[0] === "!=";
  if (negated) words.shift();
  const value = words.shift() ?? "";
  const isListed = (text: string) =>
    value
      .replace(/^\{ | \}$/g, "")
      .split(", ")
      .some((one) => one.replaceAll('"', "") === text);
  const ends = [connection.source, connection.destination];
  const [source = "", destination = ""] = direction === "original" ? ends : ends.reverse();
  const isAmong = (address: string, version: string) => {
    const prefixes = value.startsWith("@") ? sets.get(value.slice(1)) : [value];
    if (prefixes === undefined) throw new Error(`no set ${value}`);
    return (
      (version === "ip6") === six && negated !== prefixes.some((one) => isInPrefix(address, one))
    );
  };
  switch (field.join(" ")) {
    case "iifname":
      return packet.input !== null && isListed(packet.input);
    case "oifname":
      return packet.output !== null && negated !== isListed(packet.output);
    case "tcp flags":
      return connection.protocol === "tcp";
    case "ip saddr":
    case "ip6 saddr":
      return isAmong(source, word);
    case "ip daddr":
    case "ip6 daddr":
      return isAmong(destination, word);
    case "ct direction":
      return value === direction;
    case "ct state":
      return false; // Only errors are related, and none is followed here.
    case "meta nfproto":
      return value === (six ? "ipv6" : "ipv4");
    case "meta l4proto":
      return value === connection.protocol;
    case "icmp type":
      return !six && connection.protocol === "icmp" && isListed(ping);
    case "icmpv6 type":
      return six && connection.protocol === "icmp" && isListed(ping);
    case "ct original ip saddr":
    case "ct original ip6 saddr":
      return isAmong(connection.source, field[2] ?? "");
    case "ct original ip daddr":
    case "ct original ip6 daddr":
      return isAmong(connection.destination, field[2] ?? "");
    case "ct original proto-dst": {
      const [first = 0, last = first] = value.split("-").map(Number);
      return first <= connection.port && connection.port <= last;
    }
    default:
      throw new Error(`unknown match: ${field.join(" ")}`);
  }
}

const FIELD =
  /^(ct|meta|original|ip|ip6|saddr|daddr|proto-dst|direction|state|nfproto|l4proto|type|flags)$/;

function isValue(word: string): boolean {
  return !FIELD.test(word);
}
