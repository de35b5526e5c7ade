/** One lab program at a time for each lab: a lock that ends with its holder, however that ends. */
import * as net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "./world";

const RETRY_MS = 50;

/**
 * Holds the lab's lock while `work` runs. `patienceMs`: how long to wait for another holder, default not at all. A holder
 * that was killed while it started a command may hold it for a moment yet: until that command's own program begins.
 * @throws LabError when another program holds it.
 */
export async function withLock<T>(
  id: string,
  work: () => Promise<T>,
  { patienceMs = 0 } = {},
): Promise<T> {
  const deadline = Date.now() + patienceMs;
  let lock = await take(id);
  while (lock === null && Date.now() < deadline) {
    await sleep(RETRY_MS);
    lock = await take(id);
  }
  if (lock === null) {
    throw new LabError(`Another lab program is at work on the lab ${id}. Wait until it ends.`);
  }
  const held = lock;
  try {
    return await work();
  } finally {
    await new Promise((resolve) => held.close(resolve));
  }
}

/** Null when another program holds it. */
function take(id: string): Promise<net.Server | null> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.on("error", () => {
      resolve(null);
    });
    // A name in the kernel's abstract socket space: no file that could outlive a killed holder.
    server.listen(`\0wireguard-mesh-lab-${id}`, () => {
      resolve(server);
    });
  });
}
