/**
 * Limits concurrent logins through one jump host, over all push processes of this machine: a default sshd starts to drop
 * connections at ten unauthenticated ones (sshd_config(5), MaxStartups 10:30:100). A turn ends when the login is accepted.
 */
import type { HostTarget } from "../../mesh/push-request";
import { lockPath, tryLock, whenFree, type NameLock } from "./name-lock";
import { LOGINS_AT_ONCE, TURN_MS } from "./limits";

export interface Turn {
  /** Time spent waiting for the turn, which is not the host's fault. */
  waitedMs: number;
  /** May be called again. */
  end: () => void;
}

/** Slots that only urgent logins use: hosts that wait for their confirmation. */
const KEPT = 2;
const LOOK_AGAIN_MS = 300;

/**
 * Waits for a turn at the first jump host, if there is one. After TURN_MS it continues without, so that a long queue does not
 * make a host unreachable.
 */
export async function takeTurn(target: HostTarget, urgent: boolean): Promise<Turn> {
  const jump = target.kind === "ssh" ? target.via[0] : undefined;
  if (jump === undefined) return turnOf(null, 0);
  const begun = Date.now();
  const places = Array.from({ length: LOGINS_AT_ONCE }, (_, number) =>
    lockPath("login", jump.address, String(jump.port), String(number)),
  );
  const open = urgent ? places : places.slice(KEPT);
  for (;;) {
    for (const place of open) {
      const held = await tryLock(place);
      if (held !== null) return turnOf(held, Date.now() - begun);
    }
    const left = begun + TURN_MS - Date.now();
    if (left <= 0) return turnOf(null, Date.now() - begun);
    // Waiters pick a random slot, so that only a few wake when it is free, and retry the others from time to time.
    const one = open[Math.floor(Math.random() * open.length)] ?? "";
    await whenFree(one, Math.min(left, LOOK_AGAIN_MS));
  }
}

function turnOf(held: NameLock | null, waitedMs: number): Turn {
  let holding = held;
  return {
    waitedMs,
    end: () => {
      holding?.release();
      holding = null;
    },
  };
}
