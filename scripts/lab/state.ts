/** Where a lab keeps what it must remember: /var/tmp/wireguard-mesh-lab/ID, for root's eyes only. */
import * as fs from "node:fs";
import * as path from "node:path";
import { LabError } from "./world";
import type { World } from "./world";

const BASE = "/var/tmp/wireguard-mesh-lab";
/** Long enough for any scenario, short enough that sockets in the folder stay below 108 characters. */
const ID = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;

/** The paths of one lab. */
export interface StateFolder {
  root: string;
  /** lab.json: see `LabRecord`. */
  record: string;
  /** A tmpfs with each host's own files; they outlive a reboot of the host. */
  disks: string;
  /** NODE.log: what a host's boot and its sshd say. */
  logs: string;
  /** The operator's SSH key pair, made for this lab. */
  sshKey: string;
  /** The stack's secrets and state. */
  engine: string;
}

/** What another process needs to go on with a lab. */
export interface LabRecord {
  version: 1;
  id: string;
  world: World;
  /** When it was built, ISO 8601. */
  builtAt: string;
  /** By host: the process outside that ends the host when it is killed, and the host's pid 1 as seen from outside. */
  hosts: Record<string, { outer: number; init: number }>;
  /** By name: what `exec operator` adds to the environment. No secrets. */
  operatorEnvironment: Record<string, string>;
}

/** @throws LabError when the id cannot be one. */
export function stateFolder(id: string): StateFolder {
  if (!ID.test(id)) {
    throw new LabError(`${JSON.stringify(id)} is no lab id: at most 32 of a-z, 0-9 and dashes.`);
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

/** Makes the folder, 0700, below a base that must be root's: /var/tmp is everybody's. */
export function makeStateFolder(folder: StateFolder): void {
  fs.mkdirSync(BASE, { recursive: true, mode: 0o700 });
  const base = fs.lstatSync(BASE);
  if (!base.isDirectory() || base.uid !== 0 || (base.mode & 0o077) !== 0) {
    throw new LabError(`${BASE} is not a folder of root alone (0700). Remove it: rm -r ${BASE}`);
  }
  for (const place of [folder.root, folder.disks, folder.logs, folder.engine]) {
    fs.mkdirSync(place, { mode: 0o700 });
  }
}

/** Takes the base away with the last lab in it. */
export function removeBase(): void {
  if (fs.existsSync(BASE) && fs.readdirSync(BASE).length === 0) fs.rmdirSync(BASE);
}

/** The ids of all labs that were built to the end. */
export function finishedLabs(): string[] {
  if (!fs.existsSync(BASE)) return [];
  const names = fs.readdirSync(BASE).filter((name) => ID.test(name));
  return names.filter((name) => fs.existsSync(stateFolder(name).record));
}

export function writeRecord(folder: StateFolder, record: LabRecord): void {
  const beside = `${folder.record}.new`;
  fs.writeFileSync(beside, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(beside, folder.record);
}

/** @throws LabError when there is no such lab, or it was never finished. */
export function readRecord(id: string): LabRecord {
  const { record } = stateFolder(id);
  if (!fs.existsSync(record)) {
    throw new LabError(`The lab ${id} is not up. Start it: npm run lab -- ${id}`);
  }
  return JSON.parse(fs.readFileSync(record, "utf8")) as LabRecord;
}
