/** Property values without secretness, which only the engine and the state need. */
import { unknown, type Properties, type Value } from "../provider/values";

export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };
export type PlainProperties = Record<string, Plain>;

/** Replaces a value that is unknown during a preview. */
export const UNKNOWN = "(unknown)";

export function plainOf(properties: Properties): PlainProperties {
  return Object.fromEntries([...properties].map(([name, value]) => [name, plainValue(value)]));
}

function plainValue({ data }: Value): Plain {
  if (data === unknown) return UNKNOWN;
  if (Array.isArray(data)) return data.map(plainValue);
  if (data instanceof Map) return plainOf(data);
  return data;
}

/** Equality regardless of the order of keys and, if `isSet`, of list items. */
export function sameValue(a: Plain | undefined, b: Plain | undefined, isSet: boolean): boolean {
  return canonical(a, isSet) === canonical(b, isSet);
}

function canonical(value: Plain | undefined, isSet: boolean): string {
  if (Array.isArray(value)) {
    const members = value.map((one) => canonical(one, isSet));
    return `[${(isSet ? members.sort() : members).join()}]`;
  }
  if (value === null || value === undefined) return "";
  if (typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value).map(
    ([key, one]) => `${JSON.stringify(key)}:${canonical(one, isSet)}`,
  );
  return `{${entries.sort().join()}}`;
}

export function textAt(properties: PlainProperties, name: string): string {
  const value = properties[name];
  return typeof value === "string" ? value : "";
}

export function listAt(properties: PlainProperties, name: string): Plain[] {
  const value = properties[name];
  return Array.isArray(value) ? value : [];
}

export function textsAt(properties: PlainProperties, name: string): string[] {
  return listAt(properties, name).filter((one) => typeof one === "string");
}

export function mapsAt(properties: PlainProperties, name: string): PlainProperties[] {
  return listAt(properties, name).filter(isMap);
}

export function isMap(value: Plain | undefined): value is PlainProperties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
