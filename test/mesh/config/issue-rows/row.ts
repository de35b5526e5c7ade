/** A row in the tables of issues. */
import type { RawConfig } from "../../../../mesh/config/read-draft";

/** One config and all its issues. */
export interface Row {
  title: string;
  raw: RawConfig;
  /** `[path, severity, message, remedy]`, in the order in which they are reported. */
  issues: [string, "error" | "warning", string, string][];
}

/** The issue of a disabled node; `path` is the node's. */
export function leftOut(path: string): Row["issues"][number] {
  return [
    `${path}.enabled`,
    "warning",
    "is false: the node is left out",
    "remove it to have the node in the network again",
  ];
}
