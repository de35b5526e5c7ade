/** The files of docs/ that are written by `npm run docs`, by path. */
import type { Command } from "commander";
import { stackFileSchema } from "../../mesh/config/json-schema";
import { NAMESPACE } from "../stack/stack-file";
import { commandReference } from "./command-reference";
import { configReference } from "./config-reference";

export function generatedPages(commands: readonly Command[]): Map<string, string> {
  return new Map([
    ["docs/config.schema.json", JSON.stringify(stackFileSchema(NAMESPACE), null, 2)],
    ["docs/reference/commands.md", commandReference(commands)],
    ["docs/reference/config.md", configReference()],
  ]);
}
