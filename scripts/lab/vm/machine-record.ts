/** What a virtual machine is created from, and its record, by which another process can use it. */
import * as fs from "node:fs";
import type { Accelerator } from "./accelerator";
import type { DiskImage } from "./image";

export interface MachineSpec {
  /** The host name: a DNS label of at most 32 characters. */
  name: string;
  image: DiskImage;
  /**
   * `#cloud-config`, or a script starting with `#!/bin/sh`, which sets up network, login user and host key at the first boot.
   * Without cloud-init an emulated boot takes half the time.
   */
  userData: string;
  /** IP/PREFIX in the machine's own subnet; the subnet's first address is the router. */
  privateAddress: string;
  /** The address on the lab's internet, 203.0.113.0/24, with 1:1 NAT; can also be associated later. */
  elastic?: string;
  /** The login user and host key that the user data sets up; without a host key `ssh` rejects every server. */
  login: { user: string; hostKey?: string };
  /** Whether `ssh` keeps its connection open: a login takes two seconds of an emulated machine's CPU time. Default false. */
  keepsConnection?: boolean;
  /** cloud-init repeats its first boot when this changes; default: derived from the current time. */
  instanceId?: string;
  /** MiB; default 512, like a t4g.nano. */
  memory?: number;
  /** Default: `kvm` if this machine can use it. */
  accelerator?: Accelerator;
}

/** machine.json: what another process needs to use the machine. */
export interface MachineRecord extends Omit<MachineSpec, "userData"> {
  version: 1;
  instanceId: string;
  accelerator: Accelerator;
  hasCloudInit: boolean;
  /** The HostKeyAlias for SSH. */
  alias: string;
}

/** Null when there is none. */
export function readRecord(file: string): MachineRecord | null {
  if (!fs.existsSync(file)) return null;
  return JSON.parse(fs.readFileSync(file, "utf8")) as MachineRecord;
}

export function writeRecord(file: string, record: MachineRecord): void {
  const temporary = `${file}.new`;
  fs.writeFileSync(temporary, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(temporary, file);
}
