/** Properties without their marks: which of them are secret is the engine's matter, and the state's. */
import { unknown, type Properties, type Value } from "../provider/values";

export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };
export type PlainProperties = Record<string, Plain>;

/** What stands in the place of a value that only the real run can tell. */
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

/** The same whatever the order of keys, and of the members where a list is a set. */
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
