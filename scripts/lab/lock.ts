/** Lets one process at a time change a lab. The kernel releases the lock when its holder ends, even by SIGKILL. */
import * as net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "./world";

const RETRY_MS = 50;

/**
 * Holds the lab's lock while `work` runs. `waitMs`: how long to wait for another holder; default 0. The lock of a holder
 * that was killed while it spawned a command can last until that command's exec.
 * @throws LabError when another process holds the lock.
 */
export async function withLock<T>(
  id: string,
  work: () => Promise<T>,
  { waitMs = 0 } = {},
): Promise<T> {
  const deadline = Date.now() + waitMs;
  let lock = await take(id);
  while (lock === null && Date.now() < deadline) {
    await sleep(RETRY_MS);
    lock = await take(id);
  }
  if (lock === null) {
    throw new LabError(`Another process is changing the lab ${id}. Wait until it ends.`);
  }
  const held = lock;
  try {
    return await work();
  } finally {
    await new Promise((resolve) => held.close(resolve));
  }
}

/** Null when another process holds it. */
function take(id: string): Promise<net.Server | null> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.on("error", () => {
      resolve(null);
    });
    // An abstract socket (unix(7)): there is no file that could outlive a killed holder.
    server.listen(`\0wireguard-mesh-lab-${id}`, () => {
      resolve(server);
    });
  });
}
