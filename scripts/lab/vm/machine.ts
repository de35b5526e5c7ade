/** A virtual machine of the lab: Debian 12 with its own kernel and systemd, on the lab's internet like an EC2 instance. */
import * as fs from "node:fs";
import { endNamespaces } from "../clean-up";
import type { Lab } from "../lab";
import { must, waitFor } from "../process";
import type { Finished } from "../process";
import { LabError } from "../world";
import { bestAccelerator } from "./accelerator";
import type { Accelerator } from "./accelerator";
import { machineFiles, machineNamespace } from "./files";
import type { MachineFiles } from "./files";
import type { Image } from "./image";
import { isOn, powerButton, powerOff, powerOn } from "./qemu";
import { writeSeed } from "./seed";
import { associate, buildSubnet, cardAddress, disassociate } from "./subnet";

/** An emulated first boot takes a minute on an idle machine and five on a busy one. */
const BOOT_LIMIT_MS = 900_000;
const SSH_LIMIT_MS = 120_000;
const ASK_EVERY_MS = 500;
const ALIAS = "machine";

export interface MachineSpec {
  /** Its host name; a DNS label of at most 32 characters. */
  name: string;
  image: Image;
  /** `#cloud-config` text, as it stands. */
  userData: string;
  /** IP/PREFIX in a subnet of its own; the subnet's first address is the router. */
  privateAddress: string;
  /** Its address on the lab's internet, 203.0.113.0/24, translated one to one; it can be given later and moved. */
  elastic?: string;
  /** The user to log in as and the host key to expect, as the user data made them; without a key `ssh` trusts nobody. */
  login: { user: string; hostKey?: string };
  /** cloud-init takes another one for another machine; default one of the present time. */
  instanceId?: string;
  /** MiB, default 512: a t4g.nano has as much. */
  memory?: number;
  /** Default: what this machine can do. */
  accelerator?: Accelerator;
}

/** What another process needs to go on with a machine. */
interface MachineRecord extends Omit<MachineSpec, "userData"> {
  version: 1;
  instanceId: string;
  accelerator: Accelerator;
  /** The name under which SSH knows it. */
  alias: string;
}

export class Machine {
  private constructor(
    private readonly lab: Lab,
    private record: MachineRecord,
    readonly files: MachineFiles,
  ) {}

  /** Makes a machine, still off: its network, its disk, its seed. It ends, at the latest, with its lab. */
  static async create(lab: Lab, spec: MachineSpec): Promise<Machine> {
    const { userData, ...rest } = spec;
    const accelerator = spec.accelerator ?? (await bestAccelerator(spec.image));
    const files = machineFiles(lab.id, spec.name);
    fs.mkdirSync(files.root, { recursive: true, mode: 0o700 });
    const instanceId = spec.instanceId ?? `i-${Date.now()}`;
    const record = { ...rest, version: 1, instanceId, accelerator, alias: ALIAS } as const;
    writeSeed(files.seed, { ...record, userData });
    const base = ["-f", "qcow2", "-F", "raw", "-b", spec.image.disk];
    await must(["qemu-img", "create", "-q", ...base, files.disk]);
    await buildSubnet(lab.id, spec.name, spec.privateAddress);
    const machine = new Machine(lab, record, files);
    machine.expectNobody();
    if (spec.login.hostKey !== undefined) machine.expectHostKey(spec.login.hostKey);
    if (spec.elastic !== undefined) await machine.associate(spec.elastic);
    return machine;
  }

  /** A machine that another process made. @throws LabError when the lab has none of that name. */
  static open(lab: Lab, name: string): Machine {
    const files = machineFiles(lab.id, name);
    if (!fs.existsSync(files.record)) {
      throw new LabError(`The lab ${lab.id} has no virtual machine ${name}.`);
    }
    const record = JSON.parse(fs.readFileSync(files.record, "utf8")) as MachineRecord;
    return new Machine(lab, record, files);
  }

  get name(): string {
    return this.record.name;
  }

  get accelerator(): Accelerator {
    return this.record.accelerator;
  }

  /** Whether it can be reached from the lab's internet. */
  get hasAddress(): boolean {
    return this.record.elastic !== undefined;
  }

  get isOn(): boolean {
    return isOn(this.namespace);
  }

  /** Switches it on, the first time or again; does not wait for its boot. */
  start(): Promise<void> {
    return powerOn(this.namespace, this.files, this.record.image, {
      accelerator: this.record.accelerator,
      memory: this.record.memory ?? 512,
      processors: 2,
      card: cardAddress(this.name),
    });
  }

  /** Pulls the plug; the disk stays as it is at that moment. True when it was on. */
  powerCut(): Promise<boolean> {
    return powerOff(this.namespace);
  }

  /** Presses its power button, and pulls the plug when it is still on after the limit. True when it ended by itself. */
  async shutDown(limitMs: number): Promise<boolean> {
    if (await powerButton(this.namespace, this.files, limitMs)) return true;
    await this.powerCut();
    return false;
  }

  /** Reboots in good order. Resolves when it lets itself be logged in to again. */
  async reboot(): Promise<void> {
    const before = await this.waitForSsh();
    await this.ssh("sudo systemctl reboot");
    await this.waitForSsh(before);
  }

  /** Ends it: process, network, files. */
  async destroy(): Promise<void> {
    await this.powerCut();
    await endNamespaces([this.namespace]);
    fs.rmSync(this.files.root, { recursive: true, force: true });
  }

  /** Gives it an elastic address, which no other machine may have then. */
  async associate(elastic: string): Promise<void> {
    await associate(this.lab.id, this.name, elastic, this.record.privateAddress);
    this.record = { ...this.record, elastic };
    this.writeRecord();
  }

  async disassociate(): Promise<void> {
    await disassociate(this.lab.id, this.name);
    this.record = { ...this.record, elastic: undefined };
    this.writeRecord();
  }

  /** From now on it must show this key, as `TYPE BASE64`. */
  expectHostKey(hostKey: string): void {
    this.expect(ALIAS, `${ALIAS} ${hostKey}\n`);
  }

  /** From now on it must show a certificate of this authority for this name. */
  expectAuthority(publicKey: string, principal: string): void {
    this.expect(principal, `@cert-authority ${principal} ${publicKey}\n`);
  }

  private expectNobody(): void {
    this.expect(ALIAS, "");
  }

  private expect(alias: string, knownHosts: string): void {
    fs.writeFileSync(this.files.knownHosts, knownHosts, { mode: 0o600 });
    this.record = { ...this.record, alias };
    this.writeRecord();
  }

  /** Runs a shell command on it over SSH from the operator, with the lab's key; the code is 255 when SSH itself failed. */
  ssh(command: string, options: { input?: string; timeoutMs?: number } = {}): Promise<Finished> {
    const settings = {
      ...{ UserKnownHostsFile: this.files.knownHosts, HostKeyAlias: this.record.alias },
      ...{ StrictHostKeyChecking: "yes", BatchMode: "yes", IdentitiesOnly: "yes" },
      ...{ ConnectTimeout: "15", ServerAliveInterval: "10", ServerAliveCountMax: "6" },
    };
    const words = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
    const key = ["-F", "none", "-i", this.lab.folder.sshKey];
    const { elastic, login } = this.record;
    if (elastic === undefined) throw new LabError(`${this.name} has no address to reach it by.`);
    const argv = ["ssh", ...key, ...words, `${login.user}@${elastic}`, command];
    return this.lab.exec("operator", argv, { timeoutMs: SSH_LIMIT_MS, ...options });
  }

  /**
   * Waits until it lets itself be logged in to, and for another boot than `formerBoot` where that is given.
   * @returns the boot's id. @throws LabError with the console's last words when it is off, or the time is up.
   */
  async waitForSsh(formerBoot?: string, limitMs = BOOT_LIMIT_MS): Promise<string> {
    let last = "";
    const boot = await waitFor(
      async () => {
        const { code, stdout, stderr } = await this.ssh("cat /proc/sys/kernel/random/boot_id");
        if (code === 0 && stdout.trim() !== formerBoot) return stdout.trim();
        if (!this.isOn) throw new LabError(`${this.name} is off. ${this.lastWords()}`);
        last = stderr.trim();
        return undefined;
      },
      limitMs,
      ASK_EVERY_MS,
    );
    if (boot !== undefined) return boot;
    const waited = `${this.name} let nobody log in for ${limitMs / 1000} s: ${last}`;
    throw new LabError(`${waited}\n${this.lastWords()}`);
  }

  /** Waits for the end of the first boot's set-up. @returns its errors, none when all is well. */
  async waitForCloudInit(limitMs = BOOT_LIMIT_MS): Promise<string[]> {
    const wait = "cloud-init status --wait >/dev/null; cat /run/cloud-init/result.json";
    const { code, stdout, stderr } = await this.ssh(wait, { timeoutMs: limitMs });
    if (code !== 0) throw new LabError(`cloud-init on ${this.name} did not end: ${stderr.trim()}`);
    return (JSON.parse(stdout) as { v1: { errors: string[] } }).v1.errors;
  }

  /** Waits until systemd has started everything. @returns the units that failed. */
  async waitForUnits(limitMs = BOOT_LIMIT_MS): Promise<string[]> {
    const wait =
      "systemctl is-system-running --wait >/dev/null; systemctl list-units --failed --plain --no-legend";
    const { code, stdout, stderr } = await this.ssh(wait, { timeoutMs: limitMs });
    if (code !== 0) throw new LabError(`${this.name} did not start everything: ${stderr.trim()}`);
    const lines = stdout.split("\n").filter((line) => line !== "");
    return lines.map((line) => line.split(" ")[0] ?? "");
  }

  /** The end of what it said on its console, and QEMU's own words. */
  lastWords(): string {
    const tail = (file: string): string =>
      fs.existsSync(file)
        ? fs.readFileSync(file, "utf8").trimEnd().split("\n").slice(-12).join("\n")
        : "";
    return `Its console (${this.files.serial}) ends with:\n${tail(this.files.serial)}\n${tail(this.files.log)}`;
  }

  private get namespace(): string {
    return machineNamespace(this.lab.id, this.name);
  }

  private writeRecord(): void {
    const beside = `${this.files.record}.new`;
    fs.writeFileSync(beside, `${JSON.stringify(this.record, null, 2)}\n`, { mode: 0o600 });
    fs.renameSync(beside, this.files.record);
  }
}
