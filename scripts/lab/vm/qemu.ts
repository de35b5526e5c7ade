/** Starts and stops the QEMU process of a virtual machine. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import { poll } from "../../poll";
import { HOST_PRIORITY } from "../host";
import { namespaceIdentity, processesIn } from "../clean-up";
import { LabError } from "../world";
import type { Accelerator } from "./accelerator";
import type { MachineFiles } from "./files";
import type { DiskImage } from "./image";

const START_LIMIT_MS = 20_000;
const END_LIMIT_MS = 20_000;

export interface Hardware {
  accelerator: Accelerator;
  /** MiB */
  memory: number;
  processors: number;
  /** The network card's MAC address. */
  card: string;
  /** False: the user data is a script (see customize.sh). */
  hasCloudInit: boolean;
}

/**
 * Starts a machine, which outlives this process and ends with its namespace. Resolves once QEMU is in the namespace, by
 * which it is found: `ip netns exec` enters that some time after its start.
 */
export async function powerOn(
  namespace: string,
  files: MachineFiles,
  image: DiskImage,
  hardware: Hardware,
): Promise<void> {
  const log = fs.openSync(files.log, "a", 0o600);
  const enter = [...HOST_PRIORITY, "ip", "netns", "exec", namespace];
  const [program = "", ...argv] = [...enter, ...qemuArgv(files, image, hardware)];
  const child = spawn(program, argv, { detached: true, stdio: ["ignore", log, log] });
  let failed = false;
  child.on("error", () => (failed = true));
  child.unref();
  fs.closeSync(log);
  const hasEnded = (): boolean => failed || child.exitCode !== null || child.signalCode !== null;
  // If it has already ended, the machine is off and its log has the reason.
  const settled = (): true | undefined => (isOn(namespace) || hasEnded() ? true : undefined);
  if ((await poll(settled, { limitMs: START_LIMIT_MS, pauseMs: 10 })) === undefined)
    throw new LabError(`The machine in ${namespace} did not start.`);
}

/** Kills QEMU: data that is not on the disk yet is lost. @returns whether it was running. */
export async function powerOff(namespace: string): Promise<boolean> {
  const wasOn = isOn(namespace);
  const ended = new Set<number>();
  const off = await poll(
    () => {
      for (const pid of machineProcesses(namespace)) {
        ended.add(pid);
        endProcess(pid);
      }
      return isOn(namespace) || [...ended].some(hasThreads) ? undefined : true;
    },
    { limitMs: END_LIMIT_MS, pauseMs: 10 },
  );
  if (off === undefined) throw new LabError(`The machine in ${namespace} could not be stopped.`);
  return wasOn;
}

/** Presses the power button. @returns whether the machine is off within the limit. */
export async function powerButton(
  namespace: string,
  files: MachineFiles,
  limitMs: number,
): Promise<boolean> {
  if (!isOn(namespace)) return true;
  await sendCommands(files.control, ["qmp_capabilities", "system_powerdown"]);
  const off = await poll(() => (isOn(namespace) ? undefined : true), { limitMs, pauseMs: 200 });
  return off === true;
}

/** Sends commands to QEMU, each after the reply to the previous one (QEMU Machine Protocol). */
function sendCommands(socketFile: string, commands: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(socketFile);
    const left = [...commands];
    let received = "";
    socket.setEncoding("utf8");
    socket.on("error", reject);
    socket.on("data", (text: string) => {
      const lines = (received + text).split("\n");
      received = lines.pop() ?? "";
      for (const line of lines) {
        // A greeting, then one reply to each command, with events in between.
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

/** QEMU is the only long-lived process in the machine's namespace. */
function machineProcesses(namespace: string): number[] {
  const identity = namespaceIdentity(`/run/netns/${namespace}`);
  return identity === undefined ? [] : processesIn(new Set([identity]));
}

/**
 * A killed process leaves its namespace before its last thread has ended, and until then the next QEMU cannot lock the
 * disk.
 */
function hasThreads(pid: number): boolean {
  const threads = readIfExists(() => fs.readdirSync(`/proc/${pid}/task`)) ?? [];
  return threads.some((thread) => {
    const status = readIfExists(() =>
      fs.readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8"),
    );
    return status !== undefined && !/^State:\s+[XZ]/m.test(status);
  });
}

function readIfExists<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    // The process has ended.
    return undefined;
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has already ended.
  }
}

function qemuArgv(files: MachineFiles, image: DiskImage, hardware: Hardware): string[] {
  const { accelerator, memory, processors, card } = hardware;
  return [
    ...["qemu-system-x86_64", "-machine", "pc", "-smp", `${processors}`, "-m", `${memory}`],
    // By default QEMU's cache of translated code takes 1 GiB per machine.
    ...(accelerator === "kvm"
      ? ["-accel", "kvm", "-cpu", "host"]
      : ["-accel", "tcg,thread=multi,tb-size=256", "-cpu", "qemu64"]),
    ...["-nodefaults", "-no-user-config", "-display", "none"],
    ...["-kernel", image.kernel, "-initrd", image.initrd, "-append", kernelArguments(hardware)],
    // When QEMU is killed, writes that the machine has flushed are on the disk; others may be lost, as in a power cut.
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

function kernelArguments({ hasCloudInit }: Hardware): string {
  return hasCloudInit ? KERNEL_ARGUMENTS : `${KERNEL_ARGUMENTS} ${SCRIPT_ARGUMENTS}`;
}

/** mitigations=off: they cost an emulated machine a third of its speed and protect nothing there. */
const KERNEL_ARGUMENTS = "root=/dev/vda rw console=ttyS0 panic=5 mitigations=off nokaslr audit=0";
/** systemd-networkd is otherwise enabled by netplan, which cloud-init configures. */
const SCRIPT_ARGUMENTS =
  "cloud-init=disabled lab.script systemd.wants=systemd-networkd.service systemd.mask=systemd-networkd-wait-online.service";

/** QEMU's options are separated by commas. */
function quoted(file: string): string {
  return file.replaceAll(",", ",,");
}
