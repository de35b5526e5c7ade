/** What a user reads of a push that was not confirmed. */
import * as limits from "./limits";
import type { UnreachableError } from "./push-error";

export const AGAIN =
  "run `npx wireguard-mesh up` again: it is safe, and pushes only what is missing.";
export const REPORT = "This is a bug in wireguard-mesh: please report it with this text.";

export function wentBack(node: string, lost: UnreachableError, seconds: number): string {
  return [
    `${node}: the new config cut the way in, so the host went back to its former config by itself; it was seen again after ${seconds} s.`,
    ...lost.ways.map((way) => `  ${way.through}: ${way.failure.cause}`),
    "Nothing is broken, but the change is not there. Correct it, or give the host a way in that does not depend on it " +
      `(host of ${node} in the stack config). The next \`npx wireguard-mesh up\` tries again.`,
  ].join("\n");
}

export function unverified(node: string, lost: UnreachableError | undefined): string {
  return [
    `${node}: the change was sent and there has been no way in since, so it is not confirmed.`,
    ...(lost?.ways ?? []).map((way) => `  ${way.through}: ${way.failure.cause}`),
    `The host is set to go back to its former config ${limits.UNDO_AFTER_S} s after the change; that this has happened could not be seen. ` +
      "When it answers again, run `npx wireguard-mesh up` again.",
  ].join("\n");
}
