/** One push at a time to a host from this machine: a lock that ends with its holder, however that ends. */
import { setTimeout as sleep } from "node:timers/promises";
import { lockPath, tryLock } from "./name-lock";
import { LOCK_MS } from "./limits";
import { PushError } from "./push-error";

export interface LockOptions {
  /** For how long it waits for another holder; default LOCK_MS. */
  waitMs?: number;
  /** Told once when it has to wait. */
  onWait?: () => void;
}

/**
 * Holds the lock of a node of a stack (`owner` is PROJECT/STACK) while `work` runs.
 * @throws PushError when another push holds it for too long.
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
