/** Keeps what a user has written into the stack file of a lab when the lab is built anew. */
import * as fs from "node:fs";
import { parse } from "yaml";
import { isMap } from "../../mesh/config/shape-issues";
import { isSealed } from "../stack/stack-file";

/**
 * Reads the stack file of the former lab, if there is one. The returned function writes its text beside the new stack file, as
 * FILE.former (FILE.former.2, ... if that has another text), and reports the path, unless both describe the same network. It runs
 * once: when the caller calls it, with or without a new stack file, or else at the end of the process, because an interruption
 * deletes the stack file and exits.
 */
export function keepFormer(file: string, report: (kept: string) => void): () => void {
  const former = textOf(file);
  const keep = () => {
    process.off("exit", keep);
    if (former === null || isSameNetwork(former, textOf(file))) return;
    const kept = freePath(`${file}.former`, former);
    fs.writeFileSync(kept, former, { mode: 0o600 });
    report(kept);
  };
  process.once("exit", keep);
  return keep;
}

/** `path`, or with a number the first one at which there is no file, or one with this text. */
function freePath(path: string, text: string): string {
  for (let number = 1; ; number++) {
    const numbered = number === 1 ? path : `${path}.${number}`;
    if ([null, text].includes(textOf(numbered))) return numbered;
  }
}

function textOf(file: string): string | null {
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : null;
}

function isSameNetwork(former: string, now: string | null): boolean {
  return now !== null && networkIn(now) === networkIn(former);
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
