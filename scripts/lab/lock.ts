/** Lets one process at a time change a lab. The kernel releases the lock when its holder ends, even by SIGKILL. */
import * as net from "node:net";
import { poll } from "../poll";
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
  const lock = await poll(() => take(id), { limitMs: waitMs, pauseMs: RETRY_MS });
  if (lock === undefined) {
    throw new LabError(`Another process is changing the lab ${id}. Wait until it ends.`);
  }
  try {
    return await work();
  } finally {
    await new Promise((resolve) => lock.close(resolve));
  }
}

/** Undefined when another process holds it. */
function take(id: string): Promise<net.Server | undefined> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.on("error", () => {
      resolve(undefined);
    });
    // An abstract socket (unix(7)): there is no file that could outlive a killed holder.
    server.listen(`\0wireguard-mesh-lab-${id}`, () => {
      resolve(server);
    });
  });
}
