/** The files that `npm run docs` writes, by path. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { stackFileSchema } from "../../mesh/config/json-schema";
import { formatShort, type Report } from "../bench/report";
import { NAMESPACE } from "../stack/stack-file";
import { commandReference } from "./command-reference";
import { configReference } from "./config-reference";

/** `root`: the folder of the repository. */
export function generatedPages(commands: readonly Command[], root: string): Map<string, string> {
  return new Map([
    ["docs/config.schema.json", JSON.stringify(stackFileSchema(NAMESPACE), null, 2)],
    ["docs/reference/commands.md", commandReference(commands)],
    ["docs/reference/config.md", configReference()],
    ["README.md", readmeWithFigures(root)],
  ]);
}

const FIGURES = /(?<=<!-- figures: npm run docs -->\n\n).*?(?=\n\n<!-- end of figures -->)/s;

/** README with the figures of the last bench, `npm run bench -- --out docs/figures.json`. */
function readmeWithFigures(root: string): string {
  const read = (file: string): string => readFileSync(join(root, file), "utf8");
  const report = JSON.parse(read("docs/figures.json")) as Report;
  return read("README.md")
    .trimEnd()
    .replace(FIGURES, () => formatShort(report));
}
