/** Whether this machine can run a virtual one at the processor's own speed. */
import * as fs from "node:fs";
import * as path from "node:path";
import { run } from "../process";
import { cacheFolder } from "./image";
import type { Image } from "./image";

/** `kvm`: the processor's own virtualization; `tcg`: QEMU's emulation, some twenty times slower. */
export type Accelerator = "kvm" | "tcg";

/** A kernel says its first word within a second under KVM. */
const FIRST_WORD_LIMIT_MS = 10_000;

/**
 * Tries a kernel under KVM: a /dev/kvm that can be opened, and even makes machines, may still never run one (seen on a
 * nested host). Remembered until the machine boots again, since a KVM that hangs costs ten seconds to find out.
 */
export async function bestAccelerator(image: Image): Promise<Accelerator> {
  if (!fs.existsSync("/dev/kvm")) return "tcg";
  const boot = fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const memory = path.join(cacheFolder(), "accelerator");
  const known = fs.existsSync(memory) ? fs.readFileSync(memory, "utf8").trim().split(" ") : [];
  if (known[0] === boot && (known[1] === "kvm" || known[1] === "tcg")) return known[1];
  const found = (await speaksUnderKvm(image)) ? "kvm" : "tcg";
  fs.writeFileSync(memory, `${boot} ${found}\n`);
  return found;
}

/** Without a disk the kernel panics at once, and -no-reboot makes QEMU end then. */
async function speaksUnderKvm(image: Image): Promise<boolean> {
  const { stdout } = await run(
    [
      ...["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "256", "-nodefaults"],
      ...["-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"],
      ...["-kernel", image.kernel, "-append", "console=ttyS0 earlyprintk=serial panic=-1"],
    ],
    { timeoutMs: FIRST_WORD_LIMIT_MS },
  );
  return stdout.includes("Linux version");
}
