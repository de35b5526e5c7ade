/** A small valid network and edits of it, for tests of single mistakes. */
import { isMap } from "../../mesh/config/shape-issues";
import { Secret } from "../../mesh/secret";
import type { RawConfig } from "../../mesh/config/read-draft";
import { hostKeyLine, keyPair } from "./key-pairs";

/** Key pairs of the nodes below, and a spare one. */
export const keys = {
  tokyo: keyPair(0),
  desktop: keyPair(1),
  laptop: keyPair(2),
  spare: keyPair(3),
};

export const hostKey = hostKeyLine(0);

/** A relay and two peers that cannot be dialled. No private key is in the config. */
const small = {
  relays: {
    tokyo: {
      address: "10.86.0.1",
      publicKey: keys.tokyo.publicKey,
      endpoint: "203.0.113.10:51820",
    },
  },
  peers: {
    desktop: { address: "10.86.0.2", publicKey: keys.desktop.publicKey },
    laptop: { address: "10.86.0.3", publicKey: keys.laptop.publicKey },
  },
};

/** The small network with `edits` merged into it; `undefined` removes an entry. */
export function changed(edits: Record<string, unknown> = {}): RawConfig {
  return merged(small, edits);
}

function merged(base: Record<string, unknown>, edits: Record<string, unknown>) {
  const result = { ...base };
  for (const [key, edit] of Object.entries(edits)) {
    const own = Object.hasOwn(result, key) ? result[key] : undefined;
    // Not an assignment, because tests use the key __proto__.
    const value = isPlain(own) && isPlain(edit) ? merged(own, edit) : edit;
    Object.defineProperty(result, key, { value, enumerable: true, configurable: true });
    if (edit === undefined) Reflect.deleteProperty(result, key);
  }
  return result;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return isMap(value) && !(value instanceof Secret);
}
