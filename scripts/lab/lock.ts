/** One lab program at a time for each lab: a lock that ends with its holder, however that ends. */
import * as net from "node:net";
import { LabError } from "./world";

/**
 * Holds the lab's lock while `work` runs.
 * @throws LabError at once when another program holds it.
 */
export async function withLock<T>(id: string, work: () => Promise<T>): Promise<T> {
  // A name in the kernel's abstract socket space: no file that could outlive a killed holder.
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.on("error", () => {
      reject(new LabError(`Another lab program is at work on the lab ${id}. Wait until it ends.`));
    });
    server.listen(`\0wireguard-mesh-lab-${id}`, resolve);
  });
  try {
    return await work();
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
