/**
 * Turns at logging in through one machine: all pushes that run on this one, each a process of its own, together begin no
 * more logins there at once than a stock sshd takes (sshd_config(5), MaxStartups 10:30:100: from the tenth on, it drops
 * three of ten). It counts only logins that are not done, so a turn ends with the login.
 */
import type { HostTarget } from "../../mesh/push-request";
import { lockPath, tryLock, whenFree, type NameLock } from "./name-lock";
import { LOGINS_AT_ONCE, TURN_MS } from "./limits";

export interface Turn {
  /** What it took until it came; no time that the host has cost. */
  waitedMs: number;
  /** May be called again. */
  end: () => void;
}

/** Two places are kept for hosts that wait for their confirmation, and count down meanwhile. */
const KEPT = 2;
const LOOK_AGAIN_MS = 300;

/**
 * Waits for a turn at the first machine of the way, where that is a jump: the host itself is logged in to by one push
 * only. After TURN_MS it goes on without: what waits here must not be called unreachable.
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
    // Those who wait spread over the places, so that few wake when one is free; and look at the others now and then.
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
