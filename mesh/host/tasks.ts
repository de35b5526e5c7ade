/**
 * What a host does by itself between two pushes: it removes peers at their date, and resolves the names in endpoints again
 * while a peer is silent. Where everything goes into the tunnel, it loads its nft table again if that is gone: without it, nobody
 * gets in at the host's own addresses, so no push could.
 *
 * Lines `every SECONDS`, `silence SECONDS`, `expire KEY SECONDS_SINCE_1970`, `resolve KEY HOST PORT` and `own-way`. The file may
 * be edited by hand, to look more often: the next round reads it again.
 */
import type { Observation } from "./observation";
import { pathsOf } from "./paths";
import { interfacesOf, type Wanted } from "./wanted";
import type { WantedPeer } from "./wanted-interface";

/** Between two rounds, in seconds. */
const PERIOD_S = 30;

/** Without a handshake for so many seconds a peer is silent. One that works makes one every 120 s (reresolve-dns.sh). */
const SILENCE_S = 135;

/** How late a host may be in removing a peer, in seconds. */
const LATE_S = 60;

/** None if there is nothing to do. */
export function taskLines(wanted: Wanted): string[] {
  // A second interface has the same peers.
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

/** The line of wg-quick(8) that begins them at every boot. Without the program the interface comes up all the same. */
export function tasksHook(wanted: Wanted): string[] {
  const { name } = wanted.main;
  if (taskLines(wanted).length === 0) return [];
  return [`PostUp = sh ${pathsOf(name).hostScript} tasks ${name} || true`];
}

/** By the host's own clock, which decides there. */
export function hasExpired({ expires }: WantedPeer, { now }: Observation): boolean {
  return expires !== null && now !== null && now >= expires;
}

/** The host should have removed it by now. */
export function isOverdue({ expires }: WantedPeer, { now }: Observation): boolean {
  return expires !== null && now !== null && now >= expires + LATE_S;
}
