/** The state of a lab on disk: /var/tmp/wireguard-mesh-lab/ID, readable by root only. */
import * as fs from "node:fs";
import * as path from "node:path";
import { LabError } from "./world";
import type { World } from "./world";

const BASE = "/var/tmp/wireguard-mesh-lab";
/** At most 32 characters, so that the paths of sockets in the folder stay below 108 (unix(7)). */
const ID = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;

/** The paths of one lab. */
export interface StateFolder {
  root: string;
  /** lab.json: see `LabRecord`. */
  record: string;
  /** A tmpfs with each host's own files, which survive a reboot of the host. */
  disks: string;
  /** NODE.log: the output of a host's boot and sshd. */
  logs: string;
  /** The operator's SSH private key for this lab; the public key is next to it, in .pub. */
  sshKey: string;
  /** The stack's secrets and state. */
  engine: string;
}

/** lab.json: what another process needs to use the lab. */
export interface LabRecord {
  version: 1;
  id: string;
  world: World;
  /** When it was built, ISO 8601. */
  builtAt: string;
  /** Host name → the process that ends the host when it is killed, and the host's pid 1 as seen from outside. */
  hosts: Record<string, { outer: number; init: number }>;
  /** Variables that `exec operator` adds to the environment. No secrets. */
  operatorEnvironment: Record<string, string>;
}

/** @throws LabError when the id is invalid. */
export function stateFolder(id: string): StateFolder {
  if (!ID.test(id)) {
    throw new LabError(
      `${JSON.stringify(id)} is not a valid lab id: use at most 32 of a-z, 0-9 and dashes.`,
    );
  }
  const root = path.join(BASE, id);
  return {
    root,
    record: path.join(root, "lab.json"),
    disks: path.join(root, "disks"),
    logs: path.join(root, "logs"),
    sshKey: path.join(root, "id_ed25519"),
    engine: path.join(root, "engine"),
  };
}

/** Creates the folder, 0700. Its parent must belong to root, because everybody can write to /var/tmp. */
export function makeStateFolder(folder: StateFolder): void {
  fs.mkdirSync(BASE, { recursive: true, mode: 0o700 });
  const base = fs.lstatSync(BASE);
  if (!base.isDirectory() || base.uid !== 0 || (base.mode & 0o077) !== 0) {
    throw new LabError(
      `${BASE} is not a folder that only root can read (0700). Remove it: rm -r ${BASE}`,
    );
  }
  for (const place of [folder.root, folder.disks, folder.logs, folder.engine]) {
    fs.mkdirSync(place, { mode: 0o700 });
  }
}

/** Removes the base folder when it is empty. */
export function removeBase(): void {
  if (fs.existsSync(BASE) && fs.readdirSync(BASE).length === 0) fs.rmdirSync(BASE);
}

/** The ids of all labs whose build has finished. */
export function finishedLabs(): string[] {
  if (!fs.existsSync(BASE)) return [];
  const names = fs.readdirSync(BASE).filter((name) => ID.test(name));
  return names.filter((name) => fs.existsSync(stateFolder(name).record));
}

export function writeRecord(folder: StateFolder, record: LabRecord): void {
  const temporary = `${folder.record}.new`;
  fs.writeFileSync(temporary, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(temporary, folder.record);
}

/** @throws LabError when there is no such lab, or its build has not finished. */
export function readRecord(id: string): LabRecord {
  const { record } = stateFolder(id);
  if (!fs.existsSync(record)) {
    throw new LabError(`The lab ${id} is not up. Start it: npm run lab -- ${id}`);
  }
  return JSON.parse(fs.readFileSync(record, "utf8")) as LabRecord;
}
