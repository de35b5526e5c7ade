/** The processes of a lab's engine: the CLI, its plugins, the program, pushes and what those start. */
import * as fs from "node:fs";
import type { Lab } from "../../../scripts/lab/lab";

export interface EngineProcess {
  pid: number;
  /** Its short name; `pulumi` is the engine itself. */
  name: string;
  commandLine: string;
}

/** By the environment that leads to this lab's stack, which every child has from the engine; so no other one's are met. */
export function engineProcesses(lab: Lab): EngineProcess[] {
  return fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => read(pid, "environ").includes(`PULUMI_HOME=${lab.folder.engine}`))
    .map((pid) => ({
      pid: Number(pid),
      name: read(pid, "comm").trim(),
      commandLine: read(pid, "cmdline").replaceAll("\0", " ").trim(),
    }));
}

/** kill -9, of those that are still there. */
export function kill(processes: EngineProcess[]): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended since.
    }
  }
}

function read(pid: string, file: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    // It has ended since.
    return "";
  }
}
