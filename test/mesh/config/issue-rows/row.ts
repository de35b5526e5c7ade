/** The form of a row in the table of issues. */
import type { RawConfig } from "../../../../mesh/config/read-draft";

/** One wrong config and all that is said about it. */
export interface Row {
  title: string;
  raw: RawConfig;
  /** `[path, severity, message, remedy]`, in the order in which they are reported. */
  issues: [string, "error" | "warning", string, string][];
}
