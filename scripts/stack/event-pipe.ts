/** The engine's events on their way from the engine to this program, through a pipe with a name and not through a file. */
import { execFileSync } from "node:child_process";
import { constants, openSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";

const END = "end of events";

export interface EventPipe {
  /** For the engine's `--event-log`. */
  path: string;
  /** To be called once, when the engine has ended: all that it wrote, as JSON lines. */
  text(): Promise<string>;
}

/**
 * Among the events are debug messages in which the preshared keys stand in clear: the engine hides what was given to it as a
 * secret, and they are derived. On a disk they would outlive a command that is killed; here they are dropped as they come.
 */
export function openEventPipe(folder: string): EventPipe {
  const path = join(folder, "events");
  execFileSync("mkfifo", ["-m", "600", path]);
  // For writing too: so it is there before the engine comes, and does not end between two who write into it.
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const pipe = new Socket({ fd, readable: true, writable: false });
  const kept: string[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    let rest = "";
    pipe.on("error", reject);
    pipe.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      kept.push(...lines.filter((line) => line !== END && !isDebug(line)));
      if (lines.includes(END)) resolve();
    });
  });
  return {
    path,
    text: async () => {
      try {
        await Promise.all([writeFile(path, `\n${END}\n`), ended]);
        return kept.join("\n");
      } finally {
        pipe.destroy();
      }
    },
  };
}

function isDebug(line: string): boolean {
  return line.includes('"diagnosticEvent":{"prefix":"debug: "');
}
