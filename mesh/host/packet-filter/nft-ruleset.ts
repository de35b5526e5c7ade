/** Parses the output of `nft list ruleset`. */
import { parseRule } from "./nft-rule";
import { UNREADABLE, type Chain, type Table } from "./rules";
import { words } from "./quoted-words";

/** A block in braces: `other` is a set, a map, a table of another family or anything else that is ignored. */
type Block =
  | { kind: "table"; chains: Map<string, Chain> }
  | { kind: "chain"; chain: Chain; chains: Map<string, Chain> }
  | { kind: "other" };

interface Tables {
  found: Table[];
  /** Tables with the flag dormant are not in use. */
  dormant: Set<ReadonlyMap<string, Chain>>;
}

const FAMILIES = ["ip", "ip6", "inet"] as const;

/** The tables that apply to IP packets. Takes linear time. */
export function parseNft(lines: Iterable<string>): Table[] {
  const tables: Tables = { found: [], dormant: new Set() };
  const open: Block[] = [];
  for (const statement of statements(lines)) {
    const block = open.at(-1);
    if (statement[0] === "}") open.pop();
    else if (statement.at(-1) === "{") open.push(opened(statement, block, tables));
    else if (block?.kind === "chain") readLine(statement, block.chain);
    else if (block?.kind === "table" && isDormant(statement)) tables.dormant.add(block.chains);
  }
  // The output was cut off, so the rest of these chains is unknown.
  for (const block of open) if (block.kind === "chain") block.chain.rules.push(UNREADABLE);
  return tables.found.filter(({ chains }) => !tables.dormant.has(chains));
}

function opened(statement: string[], around: Block | undefined, tables: Tables): Block {
  const [word, first = "", second = ""] = statement;
  const family = FAMILIES.find((name) => name === first);
  if (around === undefined && word === "table" && family !== undefined) {
    const chains = new Map<string, Chain>();
    tables.found.push({ from: "nft", family, name: second, chains });
    return { kind: "table", chains };
  }
  if (around?.kind === "table" && word === "chain") return newChain(first, around.chains);
  if (around?.kind === "chain") {
    // `tcp dport 22 jump {`: a chain without a name, whose rules follow.
    const block = newChain(`{${around.chains.size}}`, around.chains);
    around.chain.rules.push(parseRule([...statement.slice(0, -1), block.chain.name]));
    return block;
  }
  return { kind: "other" };
}

function newChain(name: string, chains: Map<string, Chain>): Block & { kind: "chain" } {
  const chain: Chain = { name, hook: null, drops: false, rules: [] };
  chains.set(name, chain);
  return { kind: "chain", chain, chains };
}

/** `type filter hook input priority filter; policy drop;`, or a rule. */
function readLine(statement: string[], chain: Chain): void {
  if (statement[0] !== "type") chain.rules.push(parseRule(statement));
  else if (statement[1] === "filter") {
    chain.hook = statement[statement.indexOf("hook") + 1] ?? null;
    const policy = statement.indexOf("policy");
    chain.drops = policy >= 0 && statement[policy + 1] === "drop";
  }
}

function isDormant([word, ...flags]: string[]): boolean {
  return word === "flags" && flags.includes("dormant");
}

/** Lines as words. A set that goes on over several lines is one statement; a block's opening and closing are each one. */
export function* statements(lines: Iterable<string>): Generator<string[]> {
  let statement: string[] = [];
  let depth = 0;
  for (const line of lines) {
    const found = words(line, "{}(),;", false);
    if (found.length === 0) continue;
    if (depth === 0 && statement.length > 0) statement = [];
    const header = depth === 0 ? blockHeader(found) : null;
    if (header !== null) {
      yield header;
      continue;
    }
    for (const word of found) {
      statement.push(word);
      if (word === "{") depth++;
      else if (word === "}" && depth > 0) depth--;
    }
    if (depth === 0) yield statement;
  }
}

/** The line if it opens a block, without the comment after the brace; null if it does not. */
function blockHeader(line: string[]): string[] | null {
  const [word = "", kind = ""] = line;
  const brace = line.lastIndexOf("{");
  if (brace < 1 || (brace < line.length - 1 && !line[brace + 1]?.startsWith("#"))) return null;
  const header = line.slice(0, brace + 1);
  const before = line[brace - 1] ?? "";
  if (before === "jump" || before === "goto") return header;
  const blocks = "table chain set map counter quota limit flowtable secmark synproxy tunnel".split(
    " ",
  );
  if (word === "ct") return ["helper", "timeout", "expectation"].includes(kind) ? header : null;
  return blocks.includes(word) && brace <= 3 ? header : null;
}
