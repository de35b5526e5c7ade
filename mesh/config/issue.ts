/** Issues of a config: collected over the whole config, then shown together. */

export interface Issue {
  /** Config path without the namespace: `peers.desktop.address`, `expect[0].to`. */
  path: string;
  /** An error stops everything before any resource is registered; a warning is only shown. */
  severity: "error" | "warning";
  /** What is wrong; shown after the path and a colon. Never contains a secret. */
  message: string;
  /** How to fix it, with the value to write or the command to run. */
  remedy: string;
}

export function error(path: string, message: string, remedy: string): Issue {
  return { path, severity: "error", message, remedy };
}

export function warning(path: string, message: string, remedy: string): Issue {
  return { path, severity: "warning", message, remedy };
}

export function hasErrors(issues: readonly Issue[]): boolean {
  return issues.some((issue) => issue.severity === "error");
}

/** Joins path parts as Pulumi writes config paths: names with dots, list indexes in brackets. */
export function pathOf(parts: readonly PropertyKey[]): string {
  return parts.reduce<string>((path, part) => {
    if (typeof part === "number") return `${path}[${part}]`;
    return path === "" ? String(part) : `${path}.${String(part)}`;
  }, "");
}

/** Formats issues for a terminal: errors first, two lines each. */
export function formatIssues(issues: readonly Issue[]): string {
  const errors = issues.filter((issue) => issue.severity === "error");
  const warnings = issues.filter((issue) => issue.severity === "warning");
  return [...errors, ...warnings]
    .map((issue) => {
      const mark = issue.severity === "warning" ? "warning: " : "";
      return `  ${mark}${issue.path}: ${issue.message}\n      ${issue.remedy}`;
    })
    .join("\n");
}
