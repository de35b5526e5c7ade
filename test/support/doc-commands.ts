/** The commands of a page in docs/, as they stand there: blocks of shell that a comment gives a name. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** By name, in the page's order: `<!-- run: NAME -->` stands above a block. */
export function docCommands(page: string): Map<string, string> {
  const text = readFileSync(join(__dirname, "../../docs", page), "utf8");
  const blocks = text.matchAll(/^<!-- run: ([\w-]+) -->\n+```sh\n(.*?)^```$/gms);
  return new Map([...blocks].map(([, name = "", commands = ""]) => [name, commands]));
}

/** Every block of shell on the page has a name, so that none is left out of the test by mistake. */
export function assertAllNamed(page: string): void {
  const text = readFileSync(join(__dirname, "../../docs", page), "utf8");
  assert.equal(docCommands(page).size, [...text.matchAll(/^```sh$/gm)].length);
}
