/**
 * Reads the values in a YAML text by the engine's rules. A value that the engine reads differently from how it is written becomes
 * a Mistake, which the validation reports at its path.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  Scalar,
  type Document,
  type Pair,
  type YAMLMap,
} from "yaml";
import { Mistake, quote } from "../../mesh/config/mistake";
import { isMap as isObject } from "../../mesh/config/shape-issues";
import { Failure } from "./failure";
import { readPlain } from "./plain-scalar";

/** A text with its syntax tree and values; all ranges in the tree are offsets in the text. */
export interface YamlFile {
  text: string;
  /** Every scalar in it is text: only `values` are resolved. */
  document: Document.Parsed;
  values: unknown;
}

/**
 * `where` names the text in errors.
 * @throws Failure (exit code 2) for text that is not YAML or that the engine cannot read. It never quotes the text, which may
 * contain an unencrypted secret.
 */
export function parseYaml(text: string, where: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    schema: "failsafe",
    resolveKnownTags: false,
    keepSourceTokens: true,
    prettyErrors: false,
    logLevel: "error",
    lineCounter: lines,
  });
  const fail: Fail = (offset, what, remedy) => {
    const { line, col } = lines.linePos(offset);
    return new Failure(
      `${where} cannot be read at line ${line}, column ${col}: ${what}`,
      remedy,
      2,
    );
  };
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const [offset] = problem.pos;
    const [what, remedy] = isEndpoint(lineAt(text, offset))
      ? ENDPOINT
      : (SYNTAX_ERRORS[problem.code] ?? UNKNOWN);
    throw fail(offset, what, remedy);
  }
  return { text, document, values: new Reader(fail).value(document.contents) };
}

type Fail = (offset: number, what: string, remedy: string) => Failure;

const QUOTES =
  'put a value with any of [ ] { } : # & * ! | > % @ ` in quotes, e.g. endpoint: "[2001:db8::1]:51820"';

type ErrorText = [what: string, remedy: string];

const UNKNOWN: ErrorText = ["it cannot be read from here on", QUOTES];
const ENDPOINT: ErrorText = ["an address in brackets stands here without quotes", QUOTES];

function lineAt(text: string, offset: number): string {
  return text.slice(text.lastIndexOf("\n", offset - 1) + 1).split("\n")[0] ?? "";
}

/** `[2001:db8::1]:51820`, which is a list in YAML. */
function isEndpoint(line: string): boolean {
  return /\[[\da-f:.]+\]:\d/i.test(line);
}

/** Messages by the library's error code; the library's own messages may quote the text. */
const SYNTAX_ERRORS: Record<string, ErrorText> = {
  BAD_INDENT: [
    "it is not indented like its neighbours",
    "indent all keys of a map by the same number of spaces",
  ],
  DUPLICATE_KEY: ["this key is in its map twice", "remove one of the two"],
  MISSING_CHAR: ["a quote, a bracket, a comma or a space is missing before this", QUOTES],
  MULTIPLE_DOCS: [
    "a second document begins",
    "a stack file is one document: remove everything from the line `---` on",
  ],
  TAB_AS_INDENT: ["a tab is used for indentation", "indent with spaces"],
  TAG_RESOLVE_FAILED: [
    "a tag (!...) stands here",
    "remove the tag. A secret is set with: npx pulumi config set --secret --path wireguard-mesh:privateKeys.NAME",
  ],
  BAD_SCALAR_START: ["a value cannot start with this character", QUOTES],
};

/** Limit on the number of values after aliases are resolved. */
const MAX_VALUES = 1_000_000;

/** Converts nodes in the order of the text, so that an alias finds the nearest anchor before it. */
class Reader {
  private readonly anchors = new Map<string, { value: unknown; size: number } | "open">();
  private size = 0;

  constructor(private readonly fail: Fail) {}

  value(node: unknown): unknown {
    this.size += 1;
    if (isAlias(node)) return this.alias(node.source, node.range?.[0] ?? 0);
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return null;
    const { anchor } = node;
    const before = this.size;
    if (anchor !== undefined) this.anchors.set(anchor, "open");
    const value = isMap(node)
      ? this.map(node)
      : isSeq(node)
        ? node.items.map((item) => this.value(item))
        : scalarValue(node);
    if (anchor !== undefined) this.anchors.set(anchor, { value, size: this.size - before });
    return value;
  }

  private alias(name: string, offset: number): unknown {
    const known = this.anchors.get(name);
    const named = quote(name);
    if (known === undefined) {
      const remedy = `define it before, with &${name}, or put a value that begins with * in quotes`;
      throw this.fail(offset, `there is no anchor ${named} before this alias`, remedy);
    }
    if (known === "open")
      throw this.fail(offset, `the alias ${named} contains itself`, "write the value out");
    this.size += known.size;
    if (this.size > MAX_VALUES)
      throw this.fail(offset, "its aliases expand to too many values", "write the values out");
    return known.value;
  }

  private map(node: YAMLMap): Record<string, unknown> {
    const own: [string, unknown][] = [];
    const merged: [string, unknown][] = [];
    for (const pair of node.items) {
      if (isMergeKey(pair)) merged.push(...this.merged(pair));
      else own.push(this.entry(pair));
    }
    // Object.fromEntries keeps the last value of a key: the map's own wins, then that of the first merged map.
    return Object.fromEntries([...merged.reverse(), ...own]);
  }

  private entry({ key, value }: Pair): [string, unknown] {
    if (!isScalar(key))
      throw this.fail(offsetOf(key), "a key is not plain text", `write NAME: VALUE; ${QUOTES}`);
    const name = String(key.value);
    const read = key.type === Scalar.PLAIN && key.tag === undefined ? readPlain(name) : name;
    this.value(key);
    const inner = this.value(value);
    if (read instanceof Mistake) return [name, read];
    if (String(read) === name) return [name, inner];
    const what = `the name ${quote(name)} without quotes is ${quote(String(read))} to the engine`;
    return [name, new Mistake(what, "put the name in quotes")];
  }

  private merged({ value }: Pair): [string, unknown][] {
    const maps = isSeq(value) ? value.items.map((item) => this.value(item)) : [this.value(value)];
    return maps.flatMap((map) => {
      if (isObject(map)) return Object.entries(map);
      const remedy = "write `<<: *NAME`, where &NAME is on a map";
      throw this.fail(offsetOf(value), "<< merges something that is not a map", remedy);
    });
  }
}

function isMergeKey({ key }: Pair): boolean {
  return isScalar(key) && key.type === Scalar.PLAIN && key.value === "<<";
}

/** Whether a value is absent: `KEY:`, `KEY: ~`. */
export function readsAsNull(node: Scalar): boolean {
  return scalarValue(node) === null;
}

function scalarValue(node: Scalar): unknown {
  const text = String(node.value);
  return node.type === Scalar.PLAIN && node.tag === undefined ? readPlain(text) : text;
}

function offsetOf(node: unknown): number {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? (node.range?.[0] ?? 0) : 0;
}
