/** Finds what started this program: its chain of parent processes, and the engine in it. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { plainEnvironment } from "./environment";

export interface ProcessEntry {
  pid: number;
  /** 0 or 1 at the top. */
  parent: number;
  /** Its short name and the base names of its first two arguments. */
  names: string[];
}

/** Undefined for a process that does not exist or cannot be read. */
export type ProcessTable = (pid: number) => ProcessEntry | undefined;

/**
 * `orphaned`: started by a provider plugin whose engine is gone; a newer run may be active. `alone`: started by a person or
 * a script.
 */
export type StartedBy = "engine" | "alone" | "orphaned";

export function startedBy(chain: ProcessEntry[]): StartedBy {
  const plugin = chain.findIndex((entry) =>
    entry.names.some((name) => name.startsWith("pulumi-resource")),
  );
  if (plugin === -1) return "alone";
  const engine = chain.slice(plugin + 1).some((entry) => entry.names.some(isEngine));
  return engine ? "engine" : "orphaned";
}

/** From the process `from` up to init; ends early at a process that cannot be read. */
export function processChain(from: number, table: ProcessTable): ProcessEntry[] {
  const chain: ProcessEntry[] = [];
  for (let pid = from; pid > 0 && chain.length < 64;) {
    const entry = table(pid);
    if (entry === undefined) break;
    chain.push(entry);
    pid = entry.parent;
  }
  return chain;
}

/** This machine's processes, as they are now. */
export function processTable(): ProcessTable {
  return process.platform === "linux" ? readProc : tableFromPs();
}

/** Wrappers keep the name in front: `pulumi`, `.pulumi-wrapped`. */
function isEngine(name: string): boolean {
  return /^\.?pulumi(?!-resource|-language)/.test(name);
}

function readProc(pid: number): ProcessEntry | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    const args = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, 2);
    return parseStat(pid, stat, args);
  } catch {
    return undefined;
  }
}

/** proc_pid_stat(5): the short name is in parentheses and may contain parentheses and spaces. */
export function parseStat(pid: number, stat: string, args: string[]): ProcessEntry | undefined {
  const close = stat.lastIndexOf(")");
  const parent = Number(stat.slice(close + 2).split(" ")[1]);
  if (close === -1 || !Number.isInteger(parent)) return undefined;
  const name = stat.slice(stat.indexOf("(") + 1, close);
  return { pid, parent, names: [name, ...args.map((word) => path.basename(word))] };
}

function tableFromPs(): ProcessTable {
  const entries = new Map<number, ProcessEntry>();
  try {
    const text = execFileSync("ps", ["-axo", "pid=,ppid=,command="], {
      encoding: "utf8",
      env: plainEnvironment(),
      timeout: 3000,
    });
    for (const line of text.split("\n")) {
      const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
      if (match === null) continue;
      const names = (match[3] ?? "")
        .split(" ")
        .slice(0, 2)
        .map((word) => path.basename(word));
      entries.set(Number(match[1]), { pid: Number(match[1]), parent: Number(match[2]), names });
    }
  } catch {
    // Without ps the parents are unknown, and the push goes on.
  }
  return (pid) => entries.get(pid);
}
