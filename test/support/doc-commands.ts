/** The shell blocks of a page in docs/ that a comment gives a name. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The blocks by name, in the page's order. `<!-- run: NAME -->` above a block names it. */
export function docCommands(page: string): Map<string, string> {
  const text = readFileSync(join(__dirname, "../../docs", page), "utf8");
  const blocks = text.matchAll(/^<!-- run: ([\w-]+) -->\n+```sh\n(.*?)^```$/gms);
  return new Map([...blocks].map(([, name = "", commands = ""]) => [name, commands]));
}

/** Asserts that every shell block has a name or is marked `<!-- by hand -->`, so that none is left out of the tests by mistake. */
export function assertAllNamed(page: string): void {
  const text = readFileSync(join(__dirname, "../../docs", page), "utf8");
  const byHand = [...text.matchAll(/^<!-- by hand -->\n+```sh$/gm)].length;
  assert.equal(docCommands(page).size + byHand, [...text.matchAll(/^```sh$/gm)].length);
}
