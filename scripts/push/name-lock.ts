/** Named locks between processes of one user, by sockets: they are released when the holder ends, even if it is killed. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";

export interface NameLock {
  /** Releases the lock and wakes the waiters. */
  release(): void;
}

/** The path of a lock's socket. On Linux it is an abstract socket, which leaves no file behind. */
export function lockPath(kind: string, ...words: string[]): string {
  const text = [process.getuid?.() ?? 0, ...words].join("\n");
  const name = `wireguard-mesh-${kind}-${createHash("sha256").update(text).digest("hex").slice(0, 20)}`;
  return process.platform === "linux" ? `\0${name}` : path.join(os.tmpdir(), `${name}.lock`);
}

/** Null if the lock is held, by this process or another one. */
export async function tryLock(place: string): Promise<NameLock | null> {
  const held = await listen(place);
  if (held !== null || place.startsWith("\0") || (await isHeld(place))) return held;
  // A killed holder left the socket file. Two processes may both get here; the lock on the host then decides.
  fs.rmSync(place, { force: true });
  return listen(place);
}

/** Resolves when the lock is free, or after `limitMs`. */
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
