/** Reads the files and folders of an existing network for an import. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { KnownNode, Source } from "../../mesh/import/nodes";
import { wgEasyClients } from "../../mesh/import/wg-easy";
import { Secret } from "../../mesh/secret";
import type { Problem } from "../../mesh/wg-quick/file";
import { parseWgQuick } from "../../mesh/wg-quick/parse";
import { Failure } from "./failure";
import { decode } from "./user-file";

export interface ReadSources {
  sources: Source[];
  known: KnownNode[];
  problems: Problem[];
}

/** `paths`: files, and folders with files in them. @throws Failure for a path that cannot be read. */
export function readImportFiles(paths: readonly string[]): ReadSources {
  const read: ReadSources = { sources: [], known: [], problems: [] };
  const files = [...new Set(paths.flatMap((one) => filesAt(one)))];
  for (const file of files) {
    if (/\.(db|sqlite3?)$/.test(file)) read.problems.push(database(file));
    else if (file.endsWith(".json")) addRecord(file, read);
    else addConfig(file, read);
  }
  return read;
}

function addConfig(path: string, { sources, problems }: ReadSources): void {
  const { name, interface: face } = namesOf(path);
  const parsed = parseWgQuick(textOf(path), path, face);
  problems.push(...parsed.problems);
  sources.push({ file: parsed.file, name, interface: face, host: null });
}

function addRecord(path: string, { known, problems }: ReadSources): void {
  const record = wgEasyClients(textOf(path), path);
  known.push(...record.known);
  problems.push(...record.problems);
}

function database(path: string): Problem {
  return {
    at: path,
    message: "is the database of wg-easy 15 or newer, which is not read",
    remedy:
      "give wg0.conf of that folder instead, and the files of the clients that its web page downloads",
  };
}

/** File names that do not contain the node's name. */
const PLAIN = /^(wg|utun|tun)-?\d*$|^(wireguard|client|server|peer|config)$/i;
/** The names that angristan's installer gives to the files of clients. */
const CLIENT = /^wg\d+-client-/;
const PLAIN_FOLDERS = /^(wireguard|etc|configs?|\.{0,2})$/i;

/** The node's name from the file name or else the folder; the interface from the file name. */
function namesOf(file: string): { name: string | null; interface: string } {
  const base = path.basename(file).replace(/\.conf$/, "");
  const folder = path.basename(path.dirname(file));
  const isPlain = PLAIN.test(base);
  const name = isPlain ? (PLAIN_FOLDERS.test(folder) ? null : folder) : base.replace(CLIENT, "");
  return { name, interface: isPlain && /\d$/.test(base) ? base : "wg0" };
}

/** The file itself; for a folder, the files in it and its subfolders. */
function filesAt(place: string): string[] {
  const status = fs.statSync(place, { throwIfNoEntry: false });
  if (status === undefined) throw new Failure(`there is no ${place}`, "name a file or a folder", 2);
  if (!status.isDirectory()) return [place];
  const found = filesIn(place);
  if (found.length > 0) return found;
  throw new Failure(`${place} has no wg-quick files (*.conf)`, "name another folder", 2);
}

/** Empty for a folder without any. */
function filesIn(folder: string): string[] {
  const names = fs.readdirSync(folder).filter((name) => !name.startsWith("."));
  return names.sort().flatMap((name) => {
    const inner = path.join(folder, name);
    if (fs.statSync(inner, { throwIfNoEntry: false })?.isDirectory() === true)
      return filesIn(inner);
    return /\.conf$|^wg\d+\.json$|^wg-easy\.db$/.test(name) ? [inner] : [];
  });
}

function textOf(file: string): Secret {
  try {
    return Secret.of(decode(fs.readFileSync(file), file));
  } catch (problem) {
    if (problem instanceof Failure) throw problem;
    const { message } = problem as NodeJS.ErrnoException;
    throw new Failure(
      `${file} cannot be read: ${message}`,
      "run this as a user who may read it",
      2,
    );
  }
}
