/** A name of this machine that one process at a time can hold: free again the moment its holder ends, however it ends. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";

export interface NameLock {
  /** Lets go; those who wait for it are told. */
  release(): void;
}

/** Where a name of this user stands. Linux has names for sockets that are no files, so nothing can stay behind. */
export function lockPath(kind: string, ...words: string[]): string {
  const text = [process.getuid?.() ?? 0, ...words].join("\n");
  const name = `wireguard-mesh-${kind}-${createHash("sha256").update(text).digest("hex").slice(0, 20)}`;
  return process.platform === "linux" ? `\0${name}` : path.join(os.tmpdir(), `${name}.lock`);
}

/** Null when another process, or another part of this one, holds it. */
export async function tryLock(place: string): Promise<NameLock | null> {
  const held = await listen(place);
  if (held !== null || place.startsWith("\0") || (await isHeld(place))) return held;
  // A file that a killed holder left. Two who find it at once may both get here; the lock on the host parts them.
  fs.rmSync(place, { force: true });
  return listen(place);
}

/** Resolves when the holder of a name has let go or has ended, or nobody holds it, or the time is up. */
export function whenFree(place: string, limitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const visitor = net.connect(place);
    const timer = setTimeout(() => visitor.destroy(), limitMs);
    visitor.on("error", () => undefined);
    visitor.on("close", () => {
      clearTimeout(timer);
      resolve();
    });
    visitor.resume();
  });
}

function listen(place: string): Promise<NameLock | null> {
  return new Promise((resolve, reject) => {
    const visitors = new Set<net.Socket>();
    const server = net.createServer((visitor) => {
      visitors.add(visitor.unref());
      visitor.on("error", () => undefined);
      visitor.on("close", () => visitors.delete(visitor));
    });
    server.on("error", (problem: NodeJS.ErrnoException) => {
      if (problem.code === "EADDRINUSE") resolve(null);
      else reject(problem);
    });
    const release = (): void => {
      server.close();
      visitors.forEach((visitor) => visitor.destroy());
    };
    server.listen(place, () => {
      resolve({ release });
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
