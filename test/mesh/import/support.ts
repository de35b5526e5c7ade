/** Example networks, imported. */
import assert from "node:assert/strict";
import path from "node:path";
import { formatProblems, importNetwork, type Imported } from "../../../mesh/import/import";
import type { InferOptions } from "../../../mesh/import/infer";
import { readImportFiles } from "../../../scripts/stack/import-files";
import { hostKeyLine } from "../../support/key-pairs";
import { TODAY } from "../../support/networks";

export const FIXTURES = path.join(__dirname, "fixtures");

/** `hosts`: by name of the node's file, how to log in. */
export function importFixture(
  name: string | string[],
  hosts: Record<string, string> = {},
  options: InferOptions = {},
): Imported {
  const read = readFixture(name, hosts);
  assert.deepEqual(read.problems, []);
  const imported = importNetwork(read.sources, read.known, options, TODAY);
  if (Array.isArray(imported)) assert.fail(formatProblems(imported));
  return imported;
}

/** The errors, as `at: message`. */
export function problemsOf(
  name: string | string[],
  hosts: Record<string, string> = {},
  options: InferOptions = {},
): string[] {
  const read = readFixture(name, hosts);
  const imported = importNetwork(read.sources, read.known, options, TODAY);
  const all = [...read.problems, ...(Array.isArray(imported) ? imported : [])];
  return all.map(({ at, message }) => `${at.replace(`${FIXTURES}/`, "")}: ${message}`);
}

function readFixture(name: string | string[], hosts: Record<string, string>) {
  const read = readImportFiles([name].flat().map((one) => path.join(FIXTURES, one)));
  const sources = read.sources.map((source, at) => {
    const host = hosts[source.name ?? ""];
    return host === undefined ? source : { ...source, host: { host, hostKeys: [hostKeyLine(at)] } };
  });
  return { ...read, sources };
}

/** The lines that differ, by node. */
export function differencesOf({ files }: Imported): Record<string, string[]> {
  return Object.fromEntries(
    files.flatMap(({ node, differences }) =>
      differences.length === 0 ? [] : [[node, differences] as const],
    ),
  );
}

/** Without keys. */
export function factsOf({ network, relays, peers }: Imported): Record<string, unknown> {
  const keyless = (nodes: Record<string, Record<string, unknown>>) =>
    Object.fromEntries(
      Object.entries(nodes).map(([name, { publicKey, hostKey, ...rest }]) => {
        assert.equal(typeof publicKey, "string");
        assert.equal(hostKey === undefined, rest["host"] === undefined);
        return [name, rest];
      }),
    );
  return { network, relays: keyless(relays), peers: keyless(peers) };
}
