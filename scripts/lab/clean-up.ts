/**
 * Ends a lab, whole or half-built, whoever built it and however that ended. It goes by what the kernel knows (namespaces
 * with the lab's prefix, the processes in them), not by what a builder wrote down before it was killed.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { namespacePrefix } from "./layout";
import { must, run, waitFor } from "./process";
import { stackFile } from "./repository";
import { removeBase, stateFolder } from "./state";
import { LabError } from "./world";

const NAMESPACES = "/run/netns";
const LIMIT_MS = 20_000;

/** True when there was something to end. @throws LabError when something would not go away. */
export async function cleanUp(id: string): Promise<boolean> {
  const folder = stateFolder(id);
  const hadNamespaces = labNamespaces(id).length > 0;
  const hadFolder = fs.existsSync(folder.root);
  if (hadNamespaces) refuseFromInside(id);
  // Again until there is none: the last command of a killed builder may still have made one.
  const left = await waitFor(async () => {
    await endNamespaces(labNamespaces(id));
    return labNamespaces(id).length === 0 ? true : undefined;
  }, LIMIT_MS);
  if (left === undefined)
    throw new LabError(`Namespaces would not go: ${labNamespaces(id).join()}`);
  if (isMounted(folder.disks)) await must(["umount", "--lazy", folder.disks]);
  fs.rmSync(folder.root, { recursive: true, force: true });
  fs.rmSync(stackFile(id), { force: true });
  removeBase();
  return hadNamespaces || hadFolder;
}

/** The lab's namespaces that are there now. */
export function labNamespaces(id: string): string[] {
  if (!fs.existsSync(NAMESPACES)) return [];
  return fs.readdirSync(NAMESPACES).filter((name) => name.startsWith(namespacePrefix(id)));
}

/** Which namespace a file (in /run/netns, or /proc/PID/ns/net) stands for; undefined when it stands for none. */
export function namespaceIdentity(file: string): string | undefined {
  try {
    const { dev, ino } = fs.statSync(file);
    return `${dev}:${ino}`;
  } catch {
    // A name or a process that goes away while it is looked at.
    return undefined;
  }
}

/** Kills what runs in some namespaces and takes their names away; a namespace ends with the last process in it. */
export async function endNamespaces(names: string[]): Promise<void> {
  if (names.length === 0) return;
  const identities = identitiesOf(names);
  const gone = await waitFor(() => (killAll(identities) === 0 ? true : undefined), LIMIT_MS);
  if (gone === undefined) throw new LabError(`Processes in ${names.join(", ")} would not end.`);
  await run(["ip", "-force", "-batch", "-"], {
    input: names.map((name) => `netns del ${name}\n`).join(""),
  });
  // Who was just on the way in when the names went: `ip netns exec` of a builder that is being killed.
  killAll(identities);
}

/** The machine's own namespace is never among them, whatever a name stands for. */
function identitiesOf(names: string[]): Set<string> {
  const found = names.flatMap((name) => namespaceIdentity(path.join(NAMESPACES, name)) ?? []);
  const machine = namespaceIdentity("/proc/1/ns/net");
  return new Set(found.filter((identity) => identity !== machine));
}

/** The processes in some network namespaces, found by one look at all processes. */
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
      // It has ended by itself since.
    }
  }
  return pids.length;
}

function refuseFromInside(id: string): void {
  const own = namespaceIdentity("/proc/self/ns/net");
  if (own === undefined || !identitiesOf(labNamespaces(id)).has(own)) return;
  throw new LabError(`This shell is inside the lab ${id}, which would end it too. Run it outside.`);
}

function isMounted(folder: string): boolean {
  const mounts = fs.readFileSync("/proc/self/mounts", "utf8");
  return mounts.split("\n").some((line) => line.split(" ")[1] === folder);
}
