/** A row in the tables of issues. */
import type { RawConfig } from "../../../../mesh/config/read-draft";

/** One config and all its issues. */
export interface Row {
  title: string;
  raw: RawConfig;
  /** `[path, severity, message, remedy]`, in the order in which they are reported. */
  issues: [string, "error" | "warning", string, string][];
}
