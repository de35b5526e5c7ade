/** Keeps what a user has written into the stack file of a lab when the lab is built anew. */
import * as fs from "node:fs";
import { isMap } from "../../mesh/config/shape-issues";
import { parse } from "yaml";

/** Moves a lab's stack file aside. @returns its new path; null if there is none. */
export function setAside(file: string): string | null {
  if (!fs.existsSync(file)) return null;
  const former = `${file}.former`;
  fs.renameSync(file, former);
  return former;
}

/** Removes the former file if it describes the same network as the new one. @returns whether it was kept. */
export function keepIfEdited(former: string, file: string): boolean {
  const [before, after] = [former, file].map((one) => networkIn(fs.readFileSync(one, "utf8")));
  if (before !== after) return true;
  fs.rmSync(former);
  return false;
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
    name === "publicKey" || name === "hostKey" || (isMap(one) && "secure" in one);
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) =>
      isKey(name, one) ? [] : [[name, withoutKeys(one)]],
    ),
  );
}
