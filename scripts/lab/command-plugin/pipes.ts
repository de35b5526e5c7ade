/**
 * Real pipes, as the real plugin gives its commands. Node gives a child sockets instead, and those cannot be opened by
 * name: `echo … > /dev/stderr` and `wg setconf wg0 /dev/stdin` would fail here and work with the real plugin.
 * Node has no pipe(2), so a shell makes them: a here-document is one (in dash, busybox and bash ≥ 5.1).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";

/** File descriptors of the two ends, both to be closed by whoever asked for the pipe. */
export interface Pipe {
  read: number;
  write: number;
}

const holdThree = "exec 3<<. 4<<. 5<<.\nx\n.\nx\n.\nx\n.\necho; read -r _";

export async function makeThreePipes(): Promise<[Pipe, Pipe, Pipe]> {
  const holder = spawn("/bin/sh", ["-c", holdThree], {
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

/** Opening a pipe under /proc gives further ends of the same one; proc(5). */
function openBoth(name: string): Pipe {
  const write = fs.openSync(name, fs.constants.O_WRONLY);
  const read = fs.openSync(name, fs.constants.O_RDONLY);
  if (!fs.fstatSync(read).isFIFO())
    throw new Error("/bin/sh makes no pipes for here-documents; dash does");
  fs.readSync(read, Buffer.alloc(2));
  return { read, write };
}
