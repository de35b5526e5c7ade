/** Messages for a push that was not confirmed. */
import * as limits from "./limits";
import type { UnreachableError } from "./push-error";
import type { Failure } from "./ssh-failure";

export const AGAIN =
  "run `npx wireguard-mesh up` again: it is safe, and pushes only what is missing.";
export const REPORT = "This is a bug in wireguard-mesh: please report it with this text.";

/** `words`: the host's reason; null if the change was not confirmed in time. */
export function wentBack(
  node: string,
  lost: UnreachableError,
  seconds: number,
  words: string | null = null,
): string {
  return [
    `${node}: the new config cut the way in, so the host went back to its former config by itself; it was seen again after ${seconds} s.`,
    ...lost.ways.map((way) => `  ${way.through}: ${way.failure.cause}`),
    ...(words === null ? [] : [`  on the host: ${words}`]),
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

/** The login that should confirm the change was refused. */
export function refusedAfter(node: string, { cause, remedy }: Failure): string {
  return (
    `${node}: the change was sent, and the login that was to confirm it was refused: ${cause}\n` +
    `The host undoes the change by itself within ${limits.UNDO_AFTER_S} s. ${remedy}`
  );
}

/** The connection broke while the change was sent, and the host has not received it. */
export function notBegun(node: string): string {
  return `${node}: the connection broke before the host had taken the change; nothing was changed there.\nTo try again, ${AGAIN}`;
}

/** The same, but the host cannot be asked. */
export function lostBefore(node: string): string {
  return (
    `${node}: the connection broke while the change was sent, and there is no way back in. ` +
    `If the host had begun, it undoes the change by itself within ${limits.UNDO_AFTER_S} s.\nThen ${AGAIN}`
  );
}

/** Replaces public keys by the names of peers. */
export function withNames(
  words: string,
  peers: readonly { publicKey: string; name: string }[],
): string {
  return peers.reduce((text, { publicKey, name }) => text.replaceAll(publicKey, name), words);
}

/** `named`: the host's error, with names instead of keys. */
export function undone(node: string, named: string | null): string {
  const [, silent, port] = /^no handshake with \S+ at (\S+):(\d+) /.exec(named ?? "") ?? [];
  if (silent !== undefined) {
    return `${node}: the change failed on the host and was undone: ${named}\nis UDP port ${port} open at ${silent}?`;
  }
  if (named?.includes("ddress already in use") === true) {
    return (
      `${node}: the change failed on the host and was undone: its UDP port is taken there by another program\n` +
      "see which: sudo ss -lunp; then give this node another listenPort"
    );
  }
  return `${node}: the change failed on the host and was undone: ${named ?? "no reason was recorded"}\nread the log on the host: sudo sh -c 'cat /run/wireguard-mesh/*/log'`;
}

/** The host has not finished its undo. `named` as above. */
export function notUndone(node: string, named: string | null): string {
  return (
    `${node}: the change failed on the host, and is not undone yet: ${named ?? "no reason was recorded"}\n` +
    `the host tries again until it succeeds; see on the host: sudo sh -c 'cat /run/wireguard-mesh/*/log'\nThen ${AGAIN}`
  );
}

/** `words`: the remaining differences. */
export function withoutEffect(words: string): string {
  return `the change was carried out and did not have its effect, so it was undone: ${words}\n${REPORT}`;
}

export function rebooted(node: string): string {
  return `${node}: the host was rebooted before the change was confirmed, so it has its former config.\nTo make the change, ${AGAIN}`;
}
