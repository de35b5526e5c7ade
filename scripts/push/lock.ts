/** Allows one push at a time to a host from this machine. */
import { setTimeout as sleep } from "node:timers/promises";
import { lockPath, tryLock } from "./name-lock";
import { LOCK_MS } from "./limits";
import { PushError } from "./push-error";

export interface LockOptions {
  /** How long to wait for another push; default LOCK_MS. */
  waitMs?: number;
  /** Called once if it has to wait. */
  onWait?: () => void;
}

/**
 * Holds the lock of a node of a stack (`owner` is PROJECT/STACK) while `work` runs.
 * @throws PushError if another push holds it for longer.
 */
export async function withPushLock<T>(
  { owner, node }: { owner: string; node: string },
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const deadline = Date.now() + (options.waitMs ?? LOCK_MS);
  const place = lockPath("push", owner, node);
  let held = await tryLock(place);
  if (held === null) options.onWait?.();
  while (held === null) {
    if (Date.now() > deadline) {
      throw new PushError(
        `${node}: another push to this host is still at work on this machine, so this one was not begun. ` +
          "Wait until that run has ended, then run `npx wireguard-mesh up` again.",
      );
    }
    await sleep(200);
    held = await tryLock(place);
  }
  try {
    return await work();
  } finally {
    held.release();
  }
}
