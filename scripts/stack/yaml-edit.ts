/**
 * Edits of a stack file's text. Each keeps all other values and all comments outside the changed entry; if that is impossible, it
 * throws a Failure, and the user must edit the file.
 */
import { isDeepStrictEqual } from "node:util";
import { isAlias, isMap, isScalar, isSeq, type Pair, type YAMLMap } from "yaml";
import { isMap as isObject } from "../../mesh/config/shape-issues";
import { Failure } from "./failure";
import { cutEntry, setEmptyValue, insertEntry, replaceValue, startOfEntry } from "./yaml-splices";
import {
  applySplices,
  blockText,
  commentsIn,
  insertedLines,
  type Splice,
  type YamlValue,
} from "./yaml-text";
import { parseYaml, readsAsNull, type YamlFile } from "./yaml-values";

type Path = readonly string[];

/** The value under a path of keys; undefined if there is none. */
export function valueIn(text: string, path: Path): unknown {
  return valueAt(parseYaml(text, "the stack file").values, path);
}

/** Adds a value under a path of keys, with missing maps. Throws when the path has a value. */
export function addIn(text: string, path: Path, value: YamlValue): string {
  const file = parseYaml(text, "the stack file");
  const former = valueAt(file.values, path) ?? null;
  if (former !== null) throw new Error(`${nameOf(path)} is set already`);
  const { map, key, rest, depth } = placeFor(file, path);
  const inner = rest.reduceRight<YamlValue>((nested, name) => ({ [name]: nested }), value);
  return verified(file, additionOf(file, map, key, inner, depth), path, value);
}

function additionOf(
  { text, document }: YamlFile,
  map: YAMLMap | null,
  key: string,
  value: YamlValue,
  depth: number,
): Splice[] {
  const pair = map === null ? undefined : pairIn(map, key);
  if (map !== null && pair !== undefined) return setEmptyValue(text, map, pair, value);
  // Entries of `config:` and above get lines of their own.
  if (map !== null) return insertEntry(text, map, { [key]: value }, depth > 1);
  const [start, end] = isMap(document.contents) ? document.contents.range : [];
  const lines = insertedLines(text, text.length, blockText({ [key]: value }));
  return start === undefined || end === undefined ? [lines] : [{ start, end, text: "" }, lines];
}

/** Sets or adds a value. In a map, changes only the entries that differ. */
export function setIn(text: string, path: Path, value: YamlValue): string {
  const file = parseYaml(text, "the stack file");
  const former = valueAt(file.values, path);
  if (former === undefined || former === null) return addIn(text, path, value);
  if (isDeepStrictEqual(former, value)) return text;
  const pair = ownPair(file, path);
  if (pair === undefined) throw refused(path, "comes from an alias or a merge (<<)", WRITE_OUT);
  if (isMap(pair.value) && isObject(former) && isObject(value)) {
    const removed = Object.keys(former).filter((name) => !Object.hasOwn(value, name));
    const set = Object.entries(value).reduce(
      (edited, [name, inner]) => setIn(edited, [...path, name], inner),
      text,
    );
    return removed.reduce((edited, name) => removeIn(edited, [...path, name]), set);
  }
  return verified(file, replaceValue(text, pair, value), path, value);
}

/** Removes the entry under a path, with the comments in its lines. A map that becomes empty is kept as `{}`. */
export function removeIn(text: string, path: Path): string {
  const file = parseYaml(text, "the stack file");
  const pair = ownPair(file, path);
  if (pair === undefined) {
    if (valueAt(file.values, path) === undefined) return text;
    throw refused(path, "comes from an alias or a merge (<<)", WRITE_OUT);
  }
  const parent = ownPair(file, path.slice(0, -1));
  const map = (parent?.value ?? file.document.contents) as YAMLMap;
  return verified(file, cutEntry(text, map, pair, parent), path, undefined);
}

/** The number of the line directly above an entry if that is a comment, which `removeIn` leaves; else null. */
export function commentAbove(text: string, path: Path): number | null {
  const pair = ownPair(parseYaml(text, "the stack file"), path);
  if (pair === undefined) return null;
  const above = text.slice(0, startOfEntry(text, pair)).split("\n").slice(0, -1);
  return /^\s*#/.test(above.at(-1) ?? "") ? above.length : null;
}

/** The edited text, after checking its values and comments. `value` is undefined if the entry is removed. */
function verified(
  file: YamlFile,
  splices: readonly Splice[],
  path: Path,
  value: YamlValue | undefined,
): string {
  const edited = applySplices(file.text, splices);
  const isCut = ({ offset }: { offset: number }) =>
    splices.some(({ start, end }) => offset >= start && offset < end);
  const kept = commentsIn(file.text).filter((one) => value !== undefined || !isCut(one));
  const texts = (comments: readonly { text: string }[]) => comments.map((one) => one.text);
  const same =
    isDeepStrictEqual(valuesOrNone(edited), withValue(file.values, path, value)) &&
    isDeepStrictEqual(texts(commentsIn(edited)), texts(kept));
  if (same) return edited;
  throw refused(path, "cannot be changed without changing more than that", WRITE_OUT);
}

/** The values of the text; undefined, which no edit expects, if it cannot be read. */
function valuesOrNone(text: string): unknown {
  try {
    return parseYaml(text, "the edited text").values;
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

const WRITE_OUT =
  "change it in an editor; where other entries share it (&NAME, *NAME, <<), write their values out first";

function refused(path: Path, why: string, remedy: string): Failure {
  return new Failure(`${nameOf(path)} ${why}, so the stack file was left as it is`, remedy);
}

/** `["config", "wireguard-mesh:peers", "laptop"]` is shown as `peers.laptop`. */
function nameOf(path: Path): string {
  const [first, ...rest] = path[0] === "config" && path.length > 1 ? path.slice(1) : path;
  return [first?.replace(/^wireguard-mesh:/, ""), ...rest].join(".");
}

interface PlaceForEntry {
  /** The deepest map with entries on the path; null for a text without any. */
  map: YAMLMap | null;
  /** How many keys lead to it. */
  depth: number;
  /** The key of the new entry in it. */
  key: string;
  /** Keys of the maps to make below that. */
  rest: Path;
}

function placeFor({ document }: YamlFile, path: Path): PlaceForEntry {
  let map = mapAt(document.contents, path, 0);
  let depth = 0;
  while (map !== null && depth < path.length - 1) {
    const pair = pairIn(map, path[depth] ?? "");
    const next = pair === undefined ? null : mapAt(pair.value, path, depth + 1);
    if (next === null) break;
    map = next;
    depth += 1;
  }
  return { map, depth, key: path[depth] ?? "", rest: path.slice(depth + 1) };
}

/** The entry at this path; undefined if it does not exist, or only through a merge. */
function ownPair({ document }: YamlFile, path: Path): Pair | undefined {
  let pair: Pair | undefined;
  let node: unknown = document.contents;
  for (const [depth, key] of path.entries()) {
    const map = mapAt(node, path, depth);
    pair = map === null ? undefined : pairIn(map, key);
    if (pair === undefined) return undefined;
    node = pair.value;
  }
  return pair;
}

/**
 * The node under the first `depth` keys, as a map with entries; null for an empty map and for no value.
 * @throws Failure for any other node, which a new entry would replace, or which may contain the entry in another form.
 */
function mapAt(node: unknown, path: Path, depth: number): YAMLMap | null {
  const own = path.slice(0, depth);
  if (isAlias(node)) throw refused(own, `is an alias (*${node.source})`, WRITE_OUT);
  if (isSeq(node)) throw refused(own, "is a list, not a map", "write NAME: VALUE below it");
  if (isMap(node)) {
    const [only] = node.items;
    const isSealed = isScalar(only?.key) && only.key.value === "secure" && path[depth] !== "secure";
    if (isSealed) throw refused(own, "is encrypted as a whole", ENCRYPT_ONE_BY_ONE);
    return node.items.length === 0 ? null : node;
  }
  if (!isScalar(node) || readsAsNull(node)) return null;
  const isJson = /^\s*\{/.test(String(node.value));
  throw refused(own, isJson ? "is JSON text" : "is not a map", isJson ? UNQUOTE : WRITE_OUT);
}

const ENCRYPT_ONE_BY_ONE =
  "set its values one by one: npx pulumi config set --secret --path wireguard-mesh:privateKeys.NAME";
const UNQUOTE = "remove the quotes around it: JSON without them is YAML, which can be edited";

function pairIn(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
}

function valueAt(values: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    values,
  );
}

/** A copy with another value at the path; undefined removes it. */
function withValue(values: unknown, [key, ...rest]: Path, value: YamlValue | undefined): unknown {
  if (key === undefined) return value;
  const entries = isObject(values) ? values : {};
  const inner = withValue(Object.hasOwn(entries, key) ? entries[key] : {}, rest, value);
  const others = Object.entries(entries).filter(([name]) => name !== key);
  return Object.fromEntries(inner === undefined ? others : [...others, [key, inner]]);
}
