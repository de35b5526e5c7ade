/**
 * Creates pipes for a command's stdio, as the real plugin uses. Node uses sockets instead, which cannot be opened by
 * name: `echo … > /dev/stderr` and `wg setconf wg0 /dev/stdin` would fail.
 * Node has no pipe(2), so a shell creates them: its here-documents are pipes (dash, busybox, bash ≥ 5.1).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";

/** File descriptors of the two ends; the caller closes both. */
export interface Pipe {
  read: number;
  write: number;
}

const OPEN_THREE_PIPES = "exec 3<<. 4<<. 5<<.\nx\n.\nx\n.\nx\n.\necho; read -r _";

export async function makeThreePipes(): Promise<[Pipe, Pipe, Pipe]> {
  const holder = spawn("/bin/sh", ["-c", OPEN_THREE_PIPES], {
    env: {},
    stdio: ["pipe", "pipe", "ignore"],
  });
  try {
    await Promise.race([once(holder.stdout, "data"), once(holder, "exit")]);
    const folder = `/proc/${holder.pid ?? "self"}/fd`;
    return [openBoth(`${folder}/3`), openBoth(`${folder}/4`), openBoth(`${folder}/5`)];
  } finally {
    holder.stdin.destroy();
    holder.stdout.destroy();
  }
}

/** Opening /proc/PID/fd/N of a pipe opens another end of the same pipe (proc(5)). */
function openBoth(name: string): Pipe {
  const write = fs.openSync(name, fs.constants.O_WRONLY);
  const read = fs.openSync(name, fs.constants.O_RDONLY);
  if (!fs.fstatSync(read).isFIFO())
    throw new Error("/bin/sh does not use pipes for here-documents; dash does");
  fs.readSync(read, Buffer.alloc(2));
  return { read, write };
}
