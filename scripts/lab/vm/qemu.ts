/** One QEMU process: its command line, its start, and its end by force. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import { namespaceIdentity, processesIn } from "../clean-up";
import { waitFor } from "../process";
import { LabError } from "../world";
import type { Accelerator } from "./accelerator";
import type { MachineFiles } from "./files";
import type { Image } from "./image";

const START_LIMIT_MS = 20_000;
const END_LIMIT_MS = 20_000;

export interface Hardware {
  accelerator: Accelerator;
  /** MiB */
  memory: number;
  processors: number;
  /** Of the network card. */
  card: string;
}

/**
 * Starts a machine; it outlives this process, and ends with its namespace. Resolves when it is on: from then on it is
 * found by its namespace, which `ip netns exec` enters only some time after its start.
 */
export async function powerOn(
  namespace: string,
  files: MachineFiles,
  image: Image,
  hardware: Hardware,
): Promise<void> {
  const log = fs.openSync(files.log, "a", 0o600);
  const words = ["netns", "exec", namespace, ...qemuWords(files, image, hardware)];
  const child = spawn("ip", words, { detached: true, stdio: ["ignore", log, log] });
  let failed = false;
  child.on("error", () => (failed = true));
  child.unref();
  fs.closeSync(log);
  const hasEnded = (): boolean => failed || child.exitCode !== null || child.signalCode !== null;
  // One that ended at once is off, and its log says why.
  const settled = (): true | undefined => (isOn(namespace) || hasEnded() ? true : undefined);
  if ((await waitFor(settled, START_LIMIT_MS)) === undefined)
    throw new LabError(`The machine in ${namespace} would not go on.`);
}

/** Pulls the plug: what the machine had not yet written to its disk is lost. True when it was on. */
export async function powerOff(namespace: string): Promise<boolean> {
  const wasOn = isOn(namespace);
  const ended = new Set<number>();
  const off = await waitFor(() => {
    for (const pid of machineProcesses(namespace)) {
      ended.add(pid);
      endProcess(pid);
    }
    return isOn(namespace) || [...ended].some(hasThreads) ? undefined : true;
  }, END_LIMIT_MS);
  if (off === undefined) throw new LabError(`The machine in ${namespace} would not go off.`);
  return wasOn;
}

/** Presses the power button and waits for the end. False when there is none within the limit. */
export async function powerButton(
  namespace: string,
  files: MachineFiles,
  limitMs: number,
): Promise<boolean> {
  if (!isOn(namespace)) return true;
  await say(files.control, ["qmp_capabilities", "system_powerdown"]);
  const off = await waitFor(() => (isOn(namespace) ? undefined : true), limitMs, 200);
  return off === true;
}

/** Gives commands to QEMU, one after the answer to the other (QEMU Machine Protocol). */
function say(socketFile: string, commands: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(socketFile);
    const left = [...commands];
    let heard = "";
    socket.setEncoding("utf8");
    socket.on("error", reject);
    socket.on("data", (text: string) => {
      const lines = (heard + text).split("\n");
      heard = lines.pop() ?? "";
      for (const line of lines) {
        // The greeting, then an answer to each; events come between.
        if (!/"(QMP|return|error)"/.test(line)) continue;
        const next = left.shift();
        if (next !== undefined) socket.write(`${JSON.stringify({ execute: next })}\n`);
        else socket.end(resolve);
      }
    });
  });
}

export function isOn(namespace: string): boolean {
  return machineProcesses(namespace).length > 0;
}

/** By what the kernel knows: in the machine's namespace there is QEMU and nothing else that stays. */
function machineProcesses(namespace: string): number[] {
  const identity = namespaceIdentity(`/run/netns/${namespace}`);
  return identity === undefined ? [] : processesIn(new Set([identity]));
}

/**
 * A process that was killed is out of its namespace before the last of its threads has ended, and until then the next
 * QEMU does not get the lock on the disk.
 */
function hasThreads(pid: number): boolean {
  const threads = readOrNothing(() => fs.readdirSync(`/proc/${pid}/task`)) ?? [];
  return threads.some((thread) => {
    const status = readOrNothing(() =>
      fs.readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8"),
    );
    return status !== undefined && !/^State:\s+[XZ]/m.test(status);
  });
}

function readOrNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    // It has ended while it was looked at.
    return undefined;
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself since.
  }
}

function qemuWords(files: MachineFiles, image: Image, hardware: Hardware): string[] {
  const { accelerator, memory, processors, card } = hardware;
  return [
    ...["qemu-system-x86_64", "-machine", "pc", "-smp", `${processors}`, "-m", `${memory}`],
    // QEMU's own default for its cache of translated code is 1 GiB a machine.
    ...(accelerator === "kvm"
      ? ["-accel", "kvm", "-cpu", "host"]
      : ["-accel", "tcg,thread=multi,tb-size=256", "-cpu", "qemu64"]),
    ...["-nodefaults", "-no-user-config", "-display", "none"],
    ...["-kernel", image.kernel, "-initrd", image.initrd, "-append", KERNEL_WORDS],
    // Writes that the machine has flushed are on the disk when QEMU is killed; others may be lost, as in a power cut.
    ...["-drive", `file=${quoted(files.disk)},format=qcow2,if=none,id=disk,cache=writeback`],
    ...["-device", "virtio-blk-pci,drive=disk"],
    ...[
      "-blockdev",
      `driver=vvfat,node-name=seed,dir=${quoted(files.seed)},label=cidata,read-only=on`,
    ],
    ...["-device", "virtio-blk-pci,drive=seed"],
    ...["-netdev", "tap,id=net,ifname=tap0,script=no,downscript=no"],
    ...["-device", `virtio-net-pci,netdev=net,mac=${card}`, "-device", "virtio-rng-pci"],
    ...["-chardev", `file,id=serial,path=${quoted(files.serial)},append=on`],
    ...["-serial", "chardev:serial"],
    ...["-qmp", `unix:${quoted(files.control)},server=on,wait=off`],
  ];
}

/** The defences against a processor's flaws cost an emulated machine a third of its speed and defend nothing there. */
const KERNEL_WORDS = "root=/dev/vda rw console=ttyS0 panic=5 mitigations=off nokaslr audit=0";

/** QEMU's options are separated by commas. */
function quoted(file: string): string {
  return file.replaceAll(",", ",,");
}
