/** Whether a node is in the network now, with a warning for one that is left out or will be soon. */
import type { NodeDraft } from "./draft";
import { warning, type Issue } from "./issue";

const DAY_MS = 86_400_000;

/** A warning is shown from this many days before a node expires. */
const NOTICE_DAYS = 30;

/** `path` is the node's config path; `now` is in milliseconds since 1970. */
export function activityOf(
  { enabled, expires }: NodeDraft["fields"],
  path: string,
  now: number,
): { active: boolean; issues: Issue[] } {
  if (enabled === false) {
    const message = "is false: the node is left out";
    const remedy = "remove it to have the node in the network again";
    return { active: false, issues: [warning(`${path}.enabled`, message, remedy)] };
  }
  if (expires === undefined) return { active: true, issues: [] };
  const active = expires >= now;
  const days = Math.floor((expires - now) / DAY_MS);
  if (active && days >= NOTICE_DAYS) return { active, issues: [] };
  const when = formatTime(expirySeconds(expires));
  const message = active
    ? `is ${inDays(days)}, at ${when}: hosts refuse the node from then on`
    : `passed at ${when}: the node is left out`;
  const remedy = active ? "to keep the node, set a later date and run up" : LEFT_OUT_REMEDY;
  return { active, issues: [warning(`${path}.expires`, message, remedy)] };
}

/** The first second at which hosts refuse the node. */
export function expirySeconds(expires: number): number {
  return Math.ceil(expires / 1000);
}

/** In UTC, as `2027-01-01T00:00:00Z`. */
export function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

const LEFT_OUT_REMEDY = "remove the node, or set a later date";

/** Whether an issue is the warning that a node is left out, or soon will be. */
export function isAboutActivity({ path, severity }: Issue): boolean {
  return severity === "warning" && /^(relays|peers)\.[^.]+\.(enabled|expires)$/.test(path);
}

function inDays(days: number): string {
  if (days === 0) return "within a day";
  return days === 1 ? "in 1 day" : `in ${days} days`;
}
