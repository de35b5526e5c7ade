/** Edits a stack file like a user. */
import * as fs from "node:fs";
import { parseDocument } from "yaml";
import type { LabStack } from "../../../scripts/lab/stack";

/** Sets the value at a path without the namespace, such as `["peers", "desktop", "mtu"]`. */
export function setConfig(stack: LabStack, configPath: string[], value: unknown): void {
  edit(stack, (document) => {
    document.setIn(yamlPath(configPath), value);
  });
}

export function deleteConfig(stack: LabStack, configPath: string[]): void {
  edit(stack, (document) => {
    document.deleteIn(yamlPath(configPath));
  });
}

function edit(stack: LabStack, change: (document: ReturnType<typeof parseDocument>) => void): void {
  const document = parseDocument(fs.readFileSync(stack.file, "utf8"));
  change(document);
  fs.writeFileSync(stack.file, document.toString({ lineWidth: 0 }));
}

function yamlPath([key = "", ...rest]: string[]): string[] {
  return ["config", `wireguard-mesh:${key}`, ...rest];
}
