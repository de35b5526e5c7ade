/** Edits of a stack file, as a user makes them. */
import * as fs from "node:fs";
import { parseDocument } from "yaml";
import type { LabStack } from "../../../scripts/lab/stack";

/** Sets one value, by the path without the namespace: `["peers", "desktop", "mtu"]`. */
export function setConfig(stack: LabStack, place: string[], value: unknown): void {
  edit(stack, (document) => {
    document.setIn(placeIn(place), value);
  });
}

export function deleteConfig(stack: LabStack, place: string[]): void {
  edit(stack, (document) => {
    document.deleteIn(placeIn(place));
  });
}

function edit(stack: LabStack, change: (document: ReturnType<typeof parseDocument>) => void): void {
  const document = parseDocument(fs.readFileSync(stack.file, "utf8"));
  change(document);
  fs.writeFileSync(stack.file, document.toString({ lineWidth: 0 }));
}

function placeIn([key = "", ...rest]: string[]): string[] {
  return ["config", `wireguard-mesh:${key}`, ...rest];
}
