/** Edits of YAML text that change no other character, so that diffs stay small. */
import { isDeepStrictEqual } from "node:util";
import {
  Document,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  parseDocument,
  visit,
  type YAMLMap,
} from "yaml";

export type YamlValue = string | number | boolean | YamlValue[] | { [key: string]: YamlValue };

/** Adds a value under a path of keys, with missing maps. Throws when the path exists. */
export function addIn(text: string, path: readonly string[], value: YamlValue): string {
  const document = parseDocument(text, { merge: true });
  if (document.hasIn(path)) throw new Error(`${path.join(".")} is set already`);
  const depth = deepestMap(document.contents, path);
  const parent = depth < 0 ? null : document.getIn(path.slice(0, depth), true);
  const addition = nest(path.slice(Math.max(depth, 0) + 1), value);
  const key = path[Math.max(depth, 0)] ?? "";
  const edited = isMap(parent)
    ? addToMap(text, parent, key, addition, depth)
    : appendPath(text, path, value);
  const node = document.createNode(addition);
  quoteDates(node);
  document.setIn(path.slice(0, Math.max(depth, 0) + 1), node);
  return verified(edited, document);
}

/** The value under a path of keys; undefined if there is none. */
export function valueIn(text: string, path: readonly string[]): unknown {
  const document = parseDocument(text, { merge: true });
  const value: unknown = document.getIn(path, true);
  return isNode(value) ? value.toJS(document) : undefined;
}

/** Sets a value, in place of an existing one, so that a diff shows one line. */
export function setIn(text: string, path: readonly string[], value: YamlValue): string {
  const document = parseDocument(text, { merge: true });
  if (!document.hasIn(path)) return addIn(text, path, value);
  const [start, end] = rangeOf(document.getIn(path, true)) ?? [];
  const inLine = start !== undefined && end !== undefined && !text.slice(start, end).includes("\n");
  const edited = inLine ? text.slice(0, start) + flowText(value, text) + text.slice(end) : null;
  const node = document.createNode(value);
  quoteDates(node);
  document.setIn(path, node);
  return verified(edited, document);
}

/** Removes the value under a path; a map that becomes empty stays as `{}`. */
export function removeIn(text: string, path: readonly string[]): string {
  const document = parseDocument(text, { merge: true });
  const key = path.at(-1) ?? "";
  const parent = document.getIn(path.slice(0, -1), true);
  if (!isMap(parent) || !parent.has(key)) return text;
  const edited =
    parent.items.length === 1
      ? emptyMap(text, document.getIn(path.slice(0, -2), true), path.at(-2), parent)
      : removeFromMap(text, parent, key);
  parent.delete(key);
  return verified(edited, document);
}

/** The edited text, if it parses to the edited document; else the formatted document. */
function verified(edited: string | null, document: ReturnType<typeof parseDocument>): string {
  const formatted = document.toString({ lineWidth: 0 });
  if (edited === null) return formatted;
  const parsed = parseDocument(edited, { merge: true });
  const same =
    parsed.errors.length === 0 &&
    isDeepStrictEqual(parsed.toJS(), parseDocument(formatted, { merge: true }).toJS());
  return same ? edited : formatted;
}

/** How many keys of the path lead through maps with entries; -1 where the document itself is none. */
function deepestMap(contents: unknown, path: readonly string[]): number {
  if (!isMap(contents) || contents.items.length === 0) return -1;
  return path.length > 1 ? 1 + deepestMap(contents.get(path[0] ?? "", true), path.slice(1)) : 0;
}

function nest(path: readonly string[], value: YamlValue): YamlValue {
  return path.reduceRight<YamlValue>((inner, key) => ({ [key]: inner }), value);
}

function addToMap(
  text: string,
  map: YAMLMap,
  key: string,
  value: YamlValue,
  depth: number,
): string | null {
  const last = map.items.at(-1);
  const end = endOf(last);
  if (end === null || last === undefined) return null;
  if (map.has(key)) return map.flow === true ? null : fillEmpty(text, map, key, value);
  if (map.flow === true) {
    const pair = flowText({ [key]: value }, text).replace(/^\{ ?| ?\}$/g, "");
    return `${text.slice(0, end)}, ${pair}${text.slice(end)}`;
  }
  const column = columnOf(text, map);
  const siblingIsFlow = isCollection(last.value) && last.value.flow === true;
  const lines =
    siblingIsFlow && depth > 1 ? flowLine(key, value, text) : blockText({ [key]: value });
  return insertLines(text, endOfLine(text, end), indent(lines, column));
}

/** Below a `key:` that has no value or `{}`; a comment after it stays. */
function fillEmpty(text: string, map: YAMLMap, key: string, value: YamlValue): string | null {
  const [start, end] = rangeOf(map.get(key, true)) ?? [];
  if (start === undefined || end === undefined) return null;
  const emptied = text.slice(0, start).trimEnd() + text.slice(end);
  const lines = indent(blockText(value), columnOf(text, map) + 2);
  return insertLines(emptied, endOfLine(emptied, text.slice(0, start).trimEnd().length), lines);
}

function appendPath(text: string, path: readonly string[], value: YamlValue): string {
  return insertLines(text, text.length, blockText(nest(path, value)));
}

/** Next to `laptop: { address: ... }` a new node gets one line too. */
function flowLine(key: string, value: YamlValue, text: string): string {
  return `${scalarText(key)}: ${flowText(value, text)}\n`;
}

/** Lists without padding; maps with padding unless the rest of the file has none. */
function flowText(value: YamlValue, text: string): string {
  if (Array.isArray(value)) return `[${value.map((item) => flowText(item, text)).join(", ")}]`;
  if (typeof value !== "object") return scalarText(value);
  const pairs = Object.entries(value).map(
    ([key, inner]) => `${scalarText(key)}: ${flowText(inner, text)}`,
  );
  const padded = !/\{\w/.test(text);
  return padded ? `{ ${pairs.join(", ")} }` : `{${pairs.join(", ")}}`;
}

function blockText(value: YamlValue): string {
  return write(new Document(value));
}

/** Quoted as in a flow collection, where , [ ] { } would end plain text. */
function scalarText(value: string | number | boolean): string {
  const document = new Document();
  document.contents = document.createNode([value], { flow: true });
  return write(document).trim().slice(1, -1);
}

function write(document: Document): string {
  quoteDates(document);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** The engine's YAML parser reads an unquoted date as a time. */
function quoteDates(node: Parameters<typeof visit>[0]): void {
  visit(node, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === "string" && /^\d{4}-\d/.test(scalar.value))
        scalar.type = "QUOTE_DOUBLE";
    },
  });
}

function removeFromMap(text: string, map: YAMLMap, key: string): string | null {
  const at = map.items.findIndex((pair) => isScalar(pair.key) && pair.key.value === key);
  const pair = map.items[at];
  if (pair === undefined || map.flow === true) return null;
  const start = startOf(pair.key);
  const end = endOf(pair.value ?? pair.key);
  if (start === null || end === null) return null;
  const line = text.lastIndexOf("\n", start - 1) + 1;
  // Comment lines directly above belong to this entry.
  const from = line - (/(?:(?<=^|\n)[ \t]*#[^\n]*\n)+$/.exec(text.slice(0, line))?.[0].length ?? 0);
  return text.slice(0, from) + text.slice(endOfLine(text, end));
}

/** Replaces a map with a single entry by `{}`. */
function emptyMap(
  text: string,
  above: unknown,
  key: string | undefined,
  map: YAMLMap,
): string | null {
  const pair = isMap(above)
    ? above.items.find(({ key: node }) => isScalar(node) && node.value === key)
    : undefined;
  const keyEnd = rangeOf(pair?.key)?.[1];
  const end = endOf(map);
  if (keyEnd === undefined || end === null) return null;
  return `${text.slice(0, text.indexOf(":", keyEnd) + 1)} {}${text.slice(end)}`;
}

/** The end of a node's text; of a block collection, the end of its last leaf, before trailing comments. */
function endOf(node: unknown): number | null {
  if (isPair(node)) return endOf(node.value ?? node.key);
  if (isCollection(node) && node.flow !== true && node.items.length > 0)
    return endOf(node.items.at(-1));
  return rangeOf(node)?.[1] ?? null;
}

function startOf(node: unknown): number | null {
  return rangeOf(node)?.[0] ?? null;
}

function rangeOf(node: unknown): readonly number[] | null {
  if (typeof node !== "object" || node === null || !("range" in node)) return null;
  return Array.isArray(node.range) ? (node.range as number[]) : null;
}

/** The start of the next line, or the end of the text. */
function endOfLine(text: string, from: number): number {
  if (from > 0 && text[from - 1] === "\n") return from;
  const newline = text.indexOf("\n", from);
  return newline < 0 ? text.length : newline + 1;
}

function columnOf(text: string, map: YAMLMap): number {
  const start = startOf(map.items[0]?.key) ?? 0;
  return start - (text.lastIndexOf("\n", start - 1) + 1);
}

function indent(lines: string, columns: number): string {
  return lines.replace(/^(?=.)/gm, " ".repeat(columns));
}

function insertLines(text: string, at: number, lines: string): string {
  const before = text.slice(0, at);
  const newline = before === "" || before.endsWith("\n") ? "" : "\n";
  return before + newline + lines + text.slice(at);
}
