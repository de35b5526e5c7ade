/**
 * Periodic tasks of a host: it removes expired peers, and resolves the names in endpoints again while a peer is silent. If all
 * traffic goes into the tunnel, it restores its nft table if that is gone, because without it the host cannot be reached at its
 * own addresses.
 *
 * Lines `every SECONDS`, `silence SECONDS`, `expire KEY SECONDS_SINCE_1970`, `resolve KEY HOST PORT` and `own-way`. The file may
 * be edited by hand, to check more often: each round reads it again.
 */
import type { Observation } from "./observation";
import { pathsOf } from "./paths";
import { interfacesOf, type Wanted } from "./wanted";
import type { WantedPeer } from "./wanted-interface";

/** Between two rounds, in seconds. */
const PERIOD_S = 30;

/** A peer without a handshake for this long is silent. An active one has one every 120 s (reresolve-dns.sh). */
const SILENCE_S = 135;

/** Tolerance for the removal of an expired peer, in seconds. */
const LATE_S = 60;

/** Empty if there are no tasks. */
export function taskLines(wanted: Wanted): string[] {
  // The second interface may have the same peers.
  const peers = interfacesOf(wanted).flatMap((one) => one.peers);
  const expire = peers.flatMap(({ publicKey, expires }) =>
    expires === null ? [] : [`expire ${publicKey} ${expires}`],
  );
  const resolve = peers.flatMap(({ publicKey, endpoint }) =>
    wanted.followNames && endpoint?.isName === true
      ? [`resolve ${publicKey} ${endpoint.host} ${endpoint.port}`]
      : [],
  );
  const silence = resolve.length === 0 ? [] : [`silence ${SILENCE_S}`];
  const ownWay = wanted.main.sendsAll && wanted.filter !== null ? ["own-way"] : [];
  const tasks = [...new Set([...silence, ...expire, ...resolve, ...ownWay])];
  return tasks.length === 0 ? [] : [`every ${PERIOD_S}`, ...tasks];
}

/** The date of a peer in such lines; null if it has none. */
export function dateIn(lines: readonly string[] | null, publicKey: string): number | null {
  const start = `expire ${publicKey} `;
  const line = lines?.find((it) => it.startsWith(start));
  return line === undefined ? null : Number(line.slice(start.length));
}

/** The wg-quick(8) line that starts them at boot. The interface comes up even if the program is missing. */
export function tasksHook(wanted: Wanted): string[] {
  const { name } = wanted.main;
  if (taskLines(wanted).length === 0) return [];
  return [`PostUp = sh ${pathsOf(name).hostScript} tasks ${name} || true`];
}

/** By the host's clock. */
export function hasExpired({ expires }: WantedPeer, { now }: Observation): boolean {
  return expires !== null && now !== null && now >= expires;
}

export function isOverdue({ expires }: WantedPeer, { now }: Observation): boolean {
  return expires !== null && now !== null && now >= expires + LATE_S;
}
