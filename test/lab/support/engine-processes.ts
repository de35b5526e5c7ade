/** Finds the processes of a lab's engine: the CLI, its plugins, the program, pushes and their children. */
import * as fs from "node:fs";
import type { Lab } from "../../../scripts/lab/lab";

export interface EngineProcess {
  pid: number;
  /** The process name (comm); `pulumi` is the engine itself. */
  name: string;
  commandLine: string;
}

/** Finds them by this lab's PULUMI_HOME, which all children inherit, so other labs' engines are not included. */
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

/** Sends SIGKILL to the processes that still exist. */
export function killAll(processes: EngineProcess[]): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has already ended.
    }
  }
}

function read(pid: string, file: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    // It has already ended.
    return "";
  }
}
