/** Runs functions of the host's program with each shell of this machine, each in a folder of its own. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { hostProgram } from "../../../scripts/push/host-program";

export interface Shell {
  name: string;
  argv: string[];
  /** Text before the program. */
  before: string;
}

/** busybox's own tools are found before those on the PATH only if they are called by its name. */
const BUSYBOX_TOOLS = ["awk", "sort", "grep", "tr", "sha256sum", "mkfifo", "cut"]
  .map((tool) => `${tool}() { busybox ${tool} "$@"; }\n`)
  .join("");

export const SHELLS: Shell[] = [
  { name: "sh", argv: ["sh", "-c"], before: "" },
  { name: "bash", argv: ["bash", "--posix", "-c"], before: "" },
  { name: "busybox", argv: ["busybox", "ash", "-c"], before: BUSYBOX_TOOLS },
  { name: "mksh", argv: ["mksh", "-c"], before: "" },
].filter(({ argv: [program = ""] }) => spawnSync(program, ["-c", ":"]).error === undefined);

/**
 * Runs `script` after the program. The host's paths are below $FOLDER, whose files are `files`; it is removed at the end.
 * @returns exit code and output
 */
export function runFunctions(
  { argv, before }: Shell,
  script: string,
  files: Record<string, string> = {},
): { status: number | null; stdout: string; stderr: string } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wgm-host-"));
  for (const name of ["run", "state", "etc"]) fs.mkdirSync(path.join(folder, name));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
  const [program = "", ...rest] = argv;
  const text = `${before}${hostProgram()}\n${PATHS}${script}\n`;
  const env = { PATH: process.env["PATH"] ?? "", FOLDER: folder };
  // bash reads .bashrc when its stdin is a socket.
  const stdio: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];
  const run = spawnSync(program, [...rest, text], { env, stdio, encoding: "utf8" });
  fs.rmSync(folder, { recursive: true });
  return run;
}

const PATHS = `set_paths wg0
RUN=$FOLDER/run STATE=$FOLDER/state CHANGE=$FOLDER/run/change LOCK=$FOLDER/lock
FILTERS="$FOLDER/etc/wg0.a.nft $FOLDER/etc/wg0.b.nft"
LIVE=$FOLDER/etc/wg0.conf SECOND_LIVE=$FOLDER/etc/wg0-next.conf
`;
