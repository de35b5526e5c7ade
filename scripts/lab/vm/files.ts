/** The files of a virtual machine: in its lab's folder, so that they are removed with the lab. */
import * as fs from "node:fs";
import * as path from "node:path";
import { namespaceOf } from "../layout";
import { stateFolder } from "../state";

export interface MachineFiles {
  root: string;
  /** machine.json: see `MachineRecord`. */
  record: string;
  /** Copy-on-write over the image. */
  disk: string;
  /** The NoCloud seed: user-data, meta-data, network-config. */
  seed: string;
  /** All output of its serial console. */
  serial: string;
  /** QEMU's output. */
  log: string;
  knownHosts: string;
  /** QEMU's control socket: a path of at most 107 characters. */
  control: string;
  /** The socket of the SSH connection that `ssh` keeps open: a path of at most 90 characters, because ssh(1) adds 17 at first. */
  connection: string;
}

export function machineFiles(labId: string, name: string): MachineFiles {
  const root = path.join(stateFolder(labId).root, "vm", name);
  const file = (base: string): string => path.join(root, base);
  return {
    root,
    record: file("machine.json"),
    disk: file("disk.qcow2"),
    seed: file("seed"),
    serial: file("serial.log"),
    log: file("qemu.log"),
    knownHosts: file("known_hosts"),
    control: file("qmp"),
    connection: file("ssh"),
  };
}

/** The namespace of a machine's QEMU and network. Host names have no dot, so it differs from every host's. */
export function machineNamespace(labId: string, name: string): string {
  return namespaceOf(labId, `${name}.vm`);
}

/** The last lines of a machine's console and of QEMU's log. */
export function consoleTail({ serial, log }: MachineFiles): string {
  const tail = (file: string): string =>
    fs.existsSync(file)
      ? fs.readFileSync(file, "utf8").trimEnd().split("\n").slice(-12).join("\n")
      : "";
  return `Its console (${serial}) ends with:\n${tail(serial)}\n${tail(log)}`;
}
