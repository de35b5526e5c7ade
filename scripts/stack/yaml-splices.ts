/** Computes the text replacements for a change of one map entry. yaml-edit.ts checks the result. */
import { isCollection, isNode, isPair, type CST, type Pair, type YAMLMap } from "yaml";
import {
  blockText,
  endOfLine,
  flowEntries,
  flowText,
  indented,
  insertedLines,
  startOfLine,
  type Splice,
  type YamlValue,
} from "./yaml-text";

/** Adds a last entry to a map with entries. `onOneLine` allows the style `laptop: { address: ... }` if the last entry has it. */
export function insertEntry(
  text: string,
  map: YAMLMap,
  entry: Record<string, YamlValue>,
  onOneLine: boolean,
): Splice[] {
  const last = map.items.at(-1);
  if (map.flow === true) return insertIntoFlow(text, map, entry);
  const flow = onOneLine && isCollection(last?.value) && last.value.flow === true;
  const lines = flow ? `${flowEntries(entry, text)}\n` : blockText(entry);
  const column = columnOf(text, map);
  const at = afterInnerComments(text, endOfLine(text, endOf(last)), column);
  return [insertedLines(text, at, indented(lines, column))];
}

/** Adds `, b: 2` to `{ a: 1 }`; if the last entry has its own line, so does the new one. */
function insertIntoFlow(text: string, map: YAMLMap, entry: Record<string, YamlValue>): Splice[] {
  const last = map.items.at(-1);
  const [start, end] = [startOf(last), endOf(last)];
  const added = flowEntries(entry, text);
  const before = text.slice(startOfLine(text, start), start);
  const [rest, comma = ""] = /^[ \t]*(,?)[ \t]*(?:#[^\n]*)?\r?\n/.exec(text.slice(end)) ?? [];
  if (before.trim() !== "" || rest === undefined) return [{ start: end, end, text: `, ${added}` }];
  const separator = comma === "" ? [{ start: end, end, text: "," }] : [];
  return [...separator, insertedLines(text, endOfLine(text, end), `${before}${added}${comma}\n`)];
}

/** Sets the value of an entry that has none or an empty map; keeps a comment after it. */
export function setEmptyValue(text: string, map: YAMLMap, pair: Pair, value: YamlValue): Splice[] {
  const start = propsEnd(pair);
  // The range of an absent value begins after the white space.
  const isWritten = endOf(pair.value) > startOf(pair.value);
  const end = isWritten ? endOf(pair.value) : start;
  if (map.flow === true || typeof value !== "object")
    return [{ start, end, text: ` ${flowText(value, text)}` }];
  const column = columnOf(text, map);
  const at = afterInnerComments(text, endOfLine(text, end), column);
  const lines = insertedLines(text, at, indented(blockText(value), column + 2));
  return [{ start, end, text: "" }, lines];
}

/** Another value on the same line. */
export function replaceValue(text: string, pair: Pair, value: YamlValue): Splice[] {
  const start = startOf(pair.value);
  const end = endOf(pair.value);
  // A block scalar ends with its line.
  const line = /\r?\n$/.exec(text.slice(start, end))?.[0].length ?? 0;
  return [{ start, end: end - line, text: flowText(value, text) }];
}

/** Removes an entry. `parent` is the entry with `map` as its value, which becomes `{}` without its last entry. */
export function cutEntry(
  text: string,
  map: YAMLMap,
  pair: Pair,
  parent: Pair | undefined,
): Splice[] {
  if (map.flow === true) return cutFromFlow(text, map, pair);
  const lines = {
    start: startOfEntry(text, pair),
    end: endOfLine(text, endOf(pair)),
    text: "",
  };
  if (map.items.length > 1 || parent === undefined) return [lines];
  const at = propsEnd(parent);
  return [{ start: at, end: at, text: " {}" }, lines];
}

/** The start of the first line of an entry. */
export function startOfEntry(text: string, pair: Pair): number {
  return startOfLine(text, startOf(pair));
}

function cutFromFlow(text: string, map: YAMLMap, pair: Pair): Splice[] {
  const [start, end] = [startOf(pair), endOf(pair)];
  const [from, to] = [startOf(map), endOf(map)];
  if (/^[\s,]*$/.test(text.slice(from + 1, start) + text.slice(end, to - 1)))
    return [{ start: from, end: to, text: "{}" }];
  const { items } = map.srcToken as CST.FlowCollection;
  const at = items.findIndex((item) => item === pair.srcToken);
  const commaOf = (index: number) => items[index]?.start.find(({ type }) => type === "comma");
  const [before, next] = [commaOf(at), commaOf(at + 1)];
  const behind = next === undefined ? end : next.offset + 1;
  const line = startOfLine(text, start);
  const rest = /^[ \t]*(?:#[^\n]*)?\r?\n/.exec(text.slice(behind))?.[0];
  const hasLine = text.slice(line, start).trim() === "" && rest !== undefined;
  const gap = /[ \t]*$/.exec(text.slice(0, start))?.[0].length ?? 0;
  const space = /^ */.exec(text.slice(behind))?.[0].length ?? 0;
  const inLine = next === undefined ? { start: start - gap, end } : { start, end: behind + space };
  const cut = hasLine ? { start: line, end: behind + rest.length } : inLine;
  const comma = next === undefined && before !== undefined ? [before.offset] : [];
  return [
    ...comma.map((offset) => ({ start: offset, end: offset + 1, text: "" })),
    { ...cut, text: "" },
  ];
}

/** Skips comment lines that are indented more than `column`, because they belong to the entry above. */
function afterInnerComments(text: string, at: number, column: number): number {
  const inner = new RegExp(`^(?:[ \\t\\r]*\\n)*[ \\t]{${column + 1},}#[^\\n]*(?:\\n|$)`);
  const found = inner.exec(text.slice(at))?.[0].length ?? 0;
  return found === 0 ? at : afterInnerComments(text, at + found, column);
}

/** The end of a node's text; for a block collection, the end of its last leaf, before trailing comments. */
function endOf(node: unknown): number {
  if (isPair(node)) return node.value === null ? endOf(node.key) : endOf(node.value);
  if (isCollection(node) && node.flow !== true && node.items.length > 0)
    return endOf(node.items.at(-1));
  return rangeOf(node)[1];
}

/** The start of a node's text; for an entry, including the anchor of its key. */
function startOf(node: unknown): number {
  if (!isPair(node)) return rangeOf(node)[0];
  const before = node.srcToken?.start.find(({ type }) =>
    ["anchor", "tag", "explicit-key-ind"].includes(type),
  );
  return before?.offset ?? startOf(node.key);
}

/** The end of the entry's `:`, and of the anchor and tag of its value. */
function propsEnd(pair: Pair): number {
  const tokens = pair.srcToken?.sep ?? [];
  const last = tokens
    .filter(({ type }) => ["map-value-ind", "anchor", "tag"].includes(type))
    .at(-1);
  return last === undefined ? endOf(pair.key) : last.offset + last.source.length;
}

function columnOf(text: string, map: YAMLMap): number {
  const start = startOf(map.items[0]);
  return start - startOfLine(text, start);
}

function rangeOf(node: unknown): readonly [number, number] {
  const range = isNode(node) ? node.range : null;
  return range ? [range[0], range[1]] : [0, 0];
}
