/** Where a virtual machine keeps its things: in its lab's folder, so that they go with the lab. */
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
  /** Everything that the machine ever wrote to its serial console. */
  serial: string;
  /** QEMU's own words. */
  log: string;
  knownHosts: string;
  /** QEMU's control socket: a path of at most 107 characters. */
  control: string;
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
  };
}

/** The namespace with a machine's QEMU and its network; a host's name has no dot, so the two never meet. */
export function machineNamespace(labId: string, name: string): string {
  return namespaceOf(labId, `${name}.vm`);
}
