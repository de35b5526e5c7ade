/** Keeps what a user has written into the stack file of a lab when the lab is built anew. */
import * as fs from "node:fs";
import { parse } from "yaml";
import { isMap } from "../../mesh/config/shape-issues";
import { isSealed } from "../stack/stack-file";

/** The text of a lab's stack file; null if there is none. */
export function readFormer(file: string): string | null {
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : null;
}

/**
 * Writes the text of the former stack file beside the new one, unless both describe the same network. Call it also if there is no
 * new one, because the lab could not be built. @returns the path; null if it was not written.
 */
export function keepIfEdited(former: string | null, file: string): string | null {
  if (former === null) return null;
  const now = readFormer(file);
  if (now !== null && networkIn(now) === networkIn(former)) return null;
  const kept = `${file}.former`;
  fs.writeFileSync(kept, former, { mode: 0o600 });
  return kept;
}

/** The config as JSON, without keys, which are new in each lab. A file that is no YAML is returned as it is. */
function networkIn(text: string): string {
  try {
    const { config } = parse(text) as { config?: unknown };
    return JSON.stringify(withoutKeys(config));
  } catch {
    return text;
  }
}

function withoutKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutKeys);
  if (!isMap(value)) return value;
  const isKey = (name: string, one: unknown) =>
    name === "publicKey" || name === "hostKey" || isSealed(one);
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) =>
      isKey(name, one) ? [] : [[name, withoutKeys(one)]],
    ),
  );
}
