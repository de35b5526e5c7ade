/** A virtual machine of the lab, like an EC2 instance: Debian 12 with its own kernel, on the lab's internet. */
import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import { poll } from "../../poll";
import { endNamespaces } from "../clean-up";
import type { Lab } from "../lab";
import { runOrThrow, type CommandResult, type RunOptions } from "../process";
import { LabError } from "../world";
import { bestAccelerator, type Accelerator } from "./accelerator";
import { consoleTail, machineFiles, machineNamespace, type MachineFiles } from "./files";
import { readRecord, writeRecord, type MachineRecord, type MachineSpec } from "./machine-record";
import { isOn, powerButton, powerOff, powerOn } from "./qemu";
import { writeSeed } from "./seed";
import { endConnection, sshCommand } from "./ssh-command";
import { associate, buildSubnet, cardAddress, disassociate } from "./subnet";

/** An emulated first boot takes a minute on an idle machine and five on a busy one. */
const BOOT_LIMIT_MS = 900_000;
const SSH_LIMIT_MS = 120_000;
const PAUSE_MS = 500;
const ALIAS = "machine";
const BOOT_ID = "cat /proc/sys/kernel/random/boot_id";

export class Machine {
  private constructor(
    private readonly lab: Lab,
    private record: MachineRecord,
    readonly files: MachineFiles,
  ) {}

  /** Creates a machine that is off: its network, disk and seed. It is destroyed with its lab. */
  static async create(lab: Lab, spec: MachineSpec): Promise<Machine> {
    const { userData, ...rest } = spec;
    const accelerator = spec.accelerator ?? (await bestAccelerator(spec.image));
    const files = machineFiles(lab.id, spec.name);
    fs.mkdirSync(files.root, { recursive: true, mode: 0o700 });
    const instanceId = spec.instanceId ?? `i-${Date.now()}`;
    const hasCloudInit = !userData.startsWith("#!");
    const settings = { instanceId, accelerator, hasCloudInit, alias: ALIAS };
    const record = { ...rest, ...settings, version: 1 } as const;
    writeSeed(files.seed, { ...record, userData });
    const base = ["-f", "qcow2", "-F", "raw", "-b", spec.image.disk];
    await runOrThrow(["qemu-img", "create", "-q", ...base, files.disk]);
    await buildSubnet(lab.id, spec.name, spec.privateAddress);
    const machine = new Machine(lab, record, files);
    machine.expectHostKey(spec.login.hostKey ?? null);
    if (spec.elastic !== undefined) await machine.associate(spec.elastic);
    return machine;
  }

  /** Opens a machine that another process created. @throws LabError when the lab has no such machine. */
  static open(lab: Lab, name: string): Machine {
    const files = machineFiles(lab.id, name);
    const record = readRecord(files.record);
    if (record === null) throw new LabError(`The lab ${lab.id} has no virtual machine ${name}.`);
    return new Machine(lab, record, files);
  }

  get name(): string {
    return this.record.name;
  }

  get accelerator(): Accelerator {
    return this.record.accelerator;
  }

  /** Whether it has an elastic address. */
  get hasAddress(): boolean {
    return this.record.elastic !== undefined;
  }

  get isOn(): boolean {
    return isOn(this.namespace);
  }

  /** Switches it on, without waiting for the boot. */
  start(): Promise<void> {
    const { accelerator, image, memory = 512, hasCloudInit } = this.record;
    // Two emulated processors wait for each other's locks: a third more CPU time where two machines run.
    const processors = accelerator === "kvm" ? 2 : 1;
    const card = cardAddress(this.name);
    const hardware = { accelerator, memory, processors, card, hasCloudInit };
    return powerOn(this.namespace, this.files, image, hardware);
  }

  /** Cuts the power: data that is not on the disk yet is lost. @returns whether it was on. */
  powerCut(): Promise<boolean> {
    this.endConnection();
    return powerOff(this.namespace);
  }

  /** Presses the power button; cuts the power after the limit. @returns whether it shut down by itself. */
  async shutDown(limitMs: number): Promise<boolean> {
    if (await powerButton(this.namespace, this.files, limitMs)) return true;
    await this.powerCut();
    return false;
  }

  /** Reboots it cleanly and waits until it accepts SSH logins again. */
  async reboot(): Promise<void> {
    const before = await this.waitForSsh();
    await this.ssh("sudo systemctl reboot");
    await this.waitForSsh(before);
  }

  /** Removes the machine: process, network, files. */
  async destroy(): Promise<void> {
    await this.powerCut();
    await endNamespaces([this.namespace]);
    fs.rmSync(this.files.root, { recursive: true, force: true });
  }

  /** Associates an elastic address, which must not be associated with another machine. */
  async associate(elastic: string): Promise<void> {
    await associate(this.lab.id, this.name, elastic, this.record.privateAddress);
    this.changeAccess({ elastic });
  }

  async disassociate(): Promise<void> {
    await disassociate(this.lab.id, this.name);
    this.changeAccess({ elastic: undefined });
  }

  /** Sets the host key that `ssh` accepts, as `TYPE BASE64`; null: none. */
  expectHostKey(hostKey: string | null): void {
    this.setKnownHosts(ALIAS, hostKey === null ? "" : `${ALIAS} ${hostKey}\n`);
  }

  /** Makes `ssh` accept host certificates of this authority for this principal only. */
  expectAuthority(publicKey: string, principal: string): void {
    this.setKnownHosts(principal, `@cert-authority ${principal} ${publicKey}\n`);
  }

  private setKnownHosts(alias: string, knownHosts: string): void {
    fs.writeFileSync(this.files.knownHosts, knownHosts, { mode: 0o600 });
    this.changeAccess({ alias });
  }

  private changeAccess(change: Pick<Partial<MachineRecord>, "elastic" | "alias">): void {
    this.endConnection();
    this.record = { ...this.record, ...change };
    writeRecord(this.files.record, this.record);
  }

  /** Runs a shell command over SSH from the operator, with the lab's key. The code is 255 when SSH itself fails. */
  ssh(command: string, options: RunOptions = {}): Promise<CommandResult> {
    const connection = this.record.keepsConnection === true ? this.files.connection : null;
    const argv = this.argv(command, connection);
    return this.lab.exec("operator", argv, { timeoutMs: SSH_LIMIT_MS, ...options });
  }

  /** Starts a shell command in a login of its own, to talk with it by pipes. */
  spawn(command: string): ChildProcess {
    return this.lab.spawn("operator", this.argv(command), { stdio: "pipe" });
  }

  private argv(command: string, connection: string | null = null): string[] {
    const { elastic: address, login, alias } = this.record;
    if (address === undefined) throw new LabError(`${this.name} has no elastic address.`);
    const files = { key: this.lab.folder.sshKey, knownHosts: this.files.knownHosts, connection };
    return sshCommand({ user: login.user, address, alias, ...files }, command);
  }

  /** The next `ssh` logs in again: the connection does not notice soon that the machine has lost its power. */
  private endConnection(): void {
    if (this.record.keepsConnection) endConnection(this.files.connection);
  }

  /**
   * Waits until it accepts SSH logins; with `previousBoot`, until its boot id is a different one.
   * @returns the boot id. @throws LabError with the end of the console when it is off or the time is up.
   */
  async waitForSsh(previousBoot?: string, limitMs = BOOT_LIMIT_MS): Promise<string> {
    let last = "";
    this.endConnection();
    // Each attempt logs in by itself: a shared connection to the previous boot would hang.
    const argv = this.argv(BOOT_ID);
    const limit = { timeoutMs: SSH_LIMIT_MS };
    const boot = await poll(
      async () => {
        const { code, stdout, stderr } = await this.lab.exec("operator", argv, limit);
        if (code === 0 && stdout.trim() !== previousBoot) return stdout.trim();
        if (!this.isOn) throw new LabError(`${this.name} is off. ${this.consoleTail()}`);
        last = stderr.trim();
        return undefined;
      },
      { limitMs, pauseMs: PAUSE_MS },
    );
    if (boot !== undefined) return boot;
    const waited = `${this.name} accepted no SSH login for ${limitMs / 1000} s: ${last}`;
    throw new LabError(`${waited}\n${this.consoleTail()}`);
  }

  /** Waits until cloud-init has finished. @returns its errors. */
  async waitForCloudInit(): Promise<string[]> {
    const result = await this.bootResult(
      "cloud-init status --wait >/dev/null; cat /run/cloud-init/result.json",
    );
    return (JSON.parse(result) as { v1: { errors: string[] } }).v1.errors;
  }

  /** Waits until systemd has finished booting. As root, for whom it needs no D-Bus. @returns the failed units. */
  async waitForUnits(limitMs = BOOT_LIMIT_MS): Promise<string[]> {
    const units = await this.bootResult(
      "sudo systemctl is-system-running --wait >/dev/null; sudo systemctl list-units --failed --plain --no-legend",
      limitMs,
    );
    const lines = units.split("\n").filter((line) => line !== "");
    return lines.map((line) => line.split(" ")[0] ?? "");
  }

  private async bootResult(command: string, limitMs = BOOT_LIMIT_MS): Promise<string> {
    const { code, stdout, stderr } = await this.ssh(command, { timeoutMs: limitMs });
    if (code === 0) return stdout;
    throw new LabError(`${this.name} did not finish booting: ${stderr.trim()}`);
  }

  /** The last lines of its console and of QEMU's log, for error messages. */
  consoleTail(): string {
    return consoleTail(this.files);
  }

  private get namespace(): string {
    return machineNamespace(this.lab.id, this.name);
  }
}
