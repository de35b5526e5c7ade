/**
 * Property values of the engine: plain data in which any part can be secret, or unknown during a preview.
 * On the wire such values are objects with a signature key (pulumi sdk/proto, "Struct" conventions).
 */

/** The wire form, as in google.protobuf.Struct. */
export type Wire = null | boolean | number | string | Wire[] | { [key: string]: Wire };

export type Data = null | boolean | number | string | Value[] | Map<string, Value>;

/** A value, and whether it is secret or unknown. */
export interface Value {
  data: Data | typeof unknown;
  secret: boolean;
}

/** The properties of one resource, by name; unset ones are absent. */
export type Properties = Map<string, Value>;

/** The data of a value that is not known before the update. */
export const unknown = Symbol("unknown");

const signature = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const unknownMark = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** An asset, archive or resource reference: this project passes none to a command. */
class UnsupportedValue extends Error {}

/** Wire form → values. Nulls among properties mean "not set". Throws UnsupportedValue. */
export function parseProperties(wire: Record<string, Wire>): Properties {
  const set = Object.entries(wire).filter(([, value]) => value !== null);
  return new Map(set.map(([name, value]) => [name, parseValue(value)]));
}

/** Values → wire form. */
export function formatProperties(properties: Properties): Record<string, Wire> {
  return Object.fromEntries([...properties].map(([name, value]) => [name, formatValue(value)]));
}

export function known(data: Data): Value {
  return { data, secret: false };
}

/** Deep equality of data, secretness and unknowns. */
export function equals(a: Value | undefined, b: Value | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.secret !== b.secret) return false;
  if (Array.isArray(a.data) && Array.isArray(b.data)) {
    const other = b.data;
    return a.data.length === other.length && a.data.every((item, i) => equals(item, other[i]));
  }
  if (a.data instanceof Map && b.data instanceof Map) {
    const other = b.data;
    return (
      a.data.size === other.size && [...a.data].every(([key, item]) => equals(item, other.get(key)))
    );
  }
  return a.data === b.data;
}

/** The data as a plain JavaScript value; unknown becomes undefined. */
export function bare(value: Value): unknown {
  const { data } = value;
  if (data === unknown) return undefined;
  if (Array.isArray(data)) return data.map(bare);
  if (data instanceof Map)
    return Object.fromEntries([...data].map(([key, item]) => [key, bare(item)]));
  return data;
}

function parseValue(wire: Wire): Value {
  if (wire === unknownMark) return { data: unknown, secret: false };
  if (Array.isArray(wire)) return known(wire.map(parseValue));
  if (wire === null || typeof wire !== "object") return known(wire);
  const mark = wire[signature];
  if (mark === undefined) return known(parseProperties(wire));
  if (mark === secretSignature) return { ...parseValue(wire["value"] ?? null), secret: true };
  if (mark === outputSignature) return parseOutput(wire);
  throw new UnsupportedValue(
    "the stand-in does not support assets, archives or resource references",
  );
}

/** An output value; its dependencies are dropped. Without a value it is unknown. */
function parseOutput(wire: Record<string, Wire>): Value {
  const value = wire["value"];
  const inner: Value = value === undefined ? { data: unknown, secret: false } : parseValue(value);
  return { ...inner, secret: inner.secret || wire["secret"] === true };
}

function formatValue({ data, secret }: Value): Wire {
  if (data === unknown)
    return secret ? { [signature]: outputSignature, secret: true } : unknownMark;
  const plain = formatData(data);
  return secret ? { [signature]: secretSignature, value: plain } : plain;
}

function formatData(data: Data): Wire {
  if (Array.isArray(data)) return data.map(formatValue);
  if (data instanceof Map) return formatProperties(data);
  return data;
}
