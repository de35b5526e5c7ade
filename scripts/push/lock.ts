/** One push at a time to a host from this machine: a lock that ends with its holder, however that ends. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
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
  const place = lockPlace(owner, node);
  let server = await tryLock(place);
  if (server === null) options.onWait?.();
  while (server === null) {
    if (Date.now() > deadline) {
      throw new PushError(
        `${node}: another push to this host is still at work on this machine, so this one was not begun. ` +
          "Wait until that run has ended, then run `npx wireguard-mesh up` again.",
      );
    }
    await sleep(200);
    server = await tryLock(place);
  }
  try {
    return await work();
  } finally {
    server.close();
  }
}

/** Linux has names for sockets that are no files, so nothing can stay behind a killed holder. */
function lockPlace(owner: string, node: string): string {
  const user = process.getuid?.() ?? 0;
  const id = createHash("sha256").update(`${user}\n${owner}\n${node}`).digest("hex").slice(0, 20);
  const name = `wireguard-mesh-push-${id}`;
  return process.platform === "linux" ? `\0${name}` : path.join(os.tmpdir(), `${name}.lock`);
}

/** Null when another process holds it. */
async function tryLock(place: string): Promise<net.Server | null> {
  const server = await listen(place);
  if (server !== null || place.startsWith("\0") || (await isHeld(place))) return server;
  // A file that a killed holder left. Two who find it at once may both get here; the lock on the host parts them.
  fs.rmSync(place, { force: true });
  return listen(place);
}

function listen(place: string): Promise<net.Server | null> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((visitor) => visitor.destroy());
    server.on("error", (problem: NodeJS.ErrnoException) => {
      if (problem.code === "EADDRINUSE") resolve(null);
      else reject(problem);
    });
    server.listen(place, () => {
      resolve(server);
    });
  });
}

function isHeld(place: string): Promise<boolean> {
  return new Promise((resolve) => {
    const visitor = net.connect(place);
    visitor.on("error", () => {
      resolve(false);
    });
    visitor.on("connect", () => {
      visitor.destroy();
      resolve(true);
    });
  });
}
