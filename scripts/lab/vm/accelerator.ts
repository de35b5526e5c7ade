/** Finds out whether this machine can run virtual machines with KVM. */
import * as fs from "node:fs";
import * as path from "node:path";
import { run } from "../process";
import { cacheFolder } from "./image";
import type { DiskImage } from "./image";

/** `kvm`: hardware virtualization; `tcg`: QEMU's emulation, about twenty times slower. */
export type Accelerator = "kvm" | "tcg";

/** Under KVM a kernel prints its first line within a second. */
const FIRST_LINE_LIMIT_MS = 10_000;

/**
 * Boots a kernel under KVM to find out: on a nested host, a /dev/kvm that opens and creates machines may still never
 * run one. The result is cached until the next boot of this machine, because a KVM that hangs costs ten seconds.
 */
export async function bestAccelerator(image: DiskImage): Promise<Accelerator> {
  if (!fs.existsSync("/dev/kvm")) return "tcg";
  const boot = fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const cache = path.join(cacheFolder(), "accelerator");
  const known = fs.existsSync(cache) ? fs.readFileSync(cache, "utf8").trim().split(" ") : [];
  if (known[0] === boot && (known[1] === "kvm" || known[1] === "tcg")) return known[1];
  const found = (await bootsUnderKvm(image)) ? "kvm" : "tcg";
  fs.writeFileSync(cache, `${boot} ${found}\n`);
  return found;
}

/** Without a disk the kernel panics at once; then -no-reboot makes QEMU exit. */
async function bootsUnderKvm(image: DiskImage): Promise<boolean> {
  const { stdout } = await run(
    [
      ...["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "256", "-nodefaults"],
      ...["-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"],
      ...["-kernel", image.kernel, "-append", "console=ttyS0 earlyprintk=serial panic=-1"],
    ],
    { timeoutMs: FIRST_LINE_LIMIT_MS },
  );
  return stdout.includes("Linux version");
}
