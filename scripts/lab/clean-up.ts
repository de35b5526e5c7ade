/**
 * Ends a lab, complete or half-built. It finds what to remove in the kernel (namespaces with the lab's prefix, the
 * processes in them), not in the lab's record, because the builder may have been killed before it wrote one.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { poll } from "../poll";
import { LABS_PREFIX, namespacePrefix } from "./layout";
import { runOrThrow, run } from "./process";
import { stackFile } from "./repository";
import { removeBase, stateFolder } from "./state";
import { LabError } from "./world";

const NAMESPACES = "/run/netns";
const LIMIT_MS = 20_000;

/** @returns whether there was something to remove. @throws LabError when something could not be removed. */
export async function cleanUp(id: string): Promise<boolean> {
  const folder = stateFolder(id);
  const hadNamespaces = labNamespaces(id).length > 0;
  const hadFolder = fs.existsSync(folder.root);
  if (hadNamespaces) refuseFromInside(id);
  // Repeat: the last command of a killed builder may have created another one.
  const left = await poll(
    async () => {
      await endNamespaces(labNamespaces(id));
      return labNamespaces(id).length === 0 ? true : undefined;
    },
    { limitMs: LIMIT_MS, pauseMs: 10 },
  );
  if (left === undefined)
    throw new LabError(`Namespaces could not be removed: ${labNamespaces(id).join()}`);
  if (isMounted(folder.disks)) await runOrThrow(["umount", "--lazy", folder.disks]);
  fs.rmSync(folder.root, { recursive: true, force: true });
  fs.rmSync(stackFile(id), { force: true });
  removeBase();
  return hadNamespaces || hadFolder;
}

/** The names of the lab's existing namespaces. */
function labNamespaces(id: string): string[] {
  return allLabsNamespaces().filter((name) => name.startsWith(namespacePrefix(id)));
}

/** Identifies the existing namespaces of all labs but this one. */
export function otherLabsNamespaces(id: string): Set<string> {
  const own = new Set(labNamespaces(id));
  return identitiesOf(allLabsNamespaces().filter((name) => !own.has(name)));
}

function allLabsNamespaces(): string[] {
  if (!fs.existsSync(NAMESPACES)) return [];
  return fs.readdirSync(NAMESPACES).filter((name) => name.startsWith(LABS_PREFIX));
}

/** Identifies the namespace behind a file in /run/netns or /proc/PID/ns; undefined when there is none. */
export function namespaceIdentity(file: string): string | undefined {
  try {
    // Without exceptions, which are slow: most callers ask about many processes that may have ended.
    const status = fs.statSync(file, { throwIfNoEntry: false });
    return status && `${status.dev}:${status.ino}`;
  } catch {
    // The name or the process has just disappeared.
    return undefined;
  }
}

/** Kills all processes in the namespaces and deletes their names; a namespace ends with its last process. */
export async function endNamespaces(names: string[]): Promise<void> {
  if (names.length === 0) return;
  const identities = identitiesOf(names);
  // While a namespace is open, the kernel does not give its number to one of another lab.
  const open = names.flatMap(openNamespace);
  try {
    await endAll(names, identities);
  } finally {
    for (const fd of open) fs.closeSync(fd);
  }
}

function openNamespace(name: string): number[] {
  try {
    return [fs.openSync(path.join(NAMESPACES, name), "r")];
  } catch {
    // It has just been deleted.
    return [];
  }
}

async function endAll(names: string[], identities: Set<string>): Promise<void> {
  const ended = await poll(() => (killAll(identities) === 0 ? true : undefined), {
    limitMs: LIMIT_MS,
    // Each look goes through all processes of the machine.
    pauseMs: 30,
  });
  if (ended === undefined) throw new LabError(`Processes in ${names.join(", ")} did not end.`);
  await run(["ip", "-force", "-batch", "-"], {
    input: names.map((name) => `netns del ${name}\n`).join(""),
  });
  // A builder that is being killed may have entered with `ip netns exec` just before the names were deleted.
  killAll(identities);
}

/** Never includes the machine's own namespace, whatever a name refers to. */
function identitiesOf(names: string[]): Set<string> {
  const found = names.flatMap((name) => namespaceIdentity(path.join(NAMESPACES, name)) ?? []);
  const machine = namespaceIdentity("/proc/1/ns/net");
  return new Set(found.filter((identity) => identity !== machine));
}

/** The pids of all processes in the given network namespaces. */
export function processesIn(identities: Set<string>): number[] {
  const pids = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    const identity = namespaceIdentity(`/proc/${pid}/ns/net`);
    return identity !== undefined && identities.has(identity);
  });
}

function killAll(identities: Set<string>): number {
  const pids = processesIn(identities);
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has already ended.
    }
  }
  return pids.length;
}

function refuseFromInside(id: string): void {
  const own = namespaceIdentity("/proc/self/ns/net");
  if (own === undefined || !identitiesOf(labNamespaces(id)).has(own)) return;
  throw new LabError(
    `This shell runs inside the lab ${id} and would be ended with it. Run the command outside.`,
  );
}

function isMounted(folder: string): boolean {
  const mounts = fs.readFileSync("/proc/self/mounts", "utf8");
  return mounts.split("\n").some((line) => line.split(" ")[1] === folder);
}
