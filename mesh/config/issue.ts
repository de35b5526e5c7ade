/** What is wrong with a config, as a value: collected over the whole config, then shown all at once. */

export interface Issue {
  /** Where, without the namespace: `peers.desktop.address`, `expect[0].to`. */
  path: string;
  /** An error stops everything before any resource is registered; a warning is only shown. */
  severity: "error" | "warning";
  /** What is wrong; follows the path and a colon. Never holds a secret. */
  message: string;
  /** How to mend it, with the value to write or the command to run. */
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

/** Joins path parts as Pulumi writes config paths: names by dots, list places in brackets. */
export function pathOf(parts: readonly PropertyKey[]): string {
  return parts.reduce<string>((path, part) => {
    if (typeof part === "number") return `${path}[${part}]`;
    return path === "" ? String(part) : `${path}.${String(part)}`;
  }, "");
}

/** The issues as text for a terminal, errors first, two lines each. */
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
