/** A running lab, as the tests and the lab command use it. */
import type { ChildProcess, SpawnOptions } from "node:child_process";
import * as fs from "node:fs";
import { restartHost, buildWorld, replug, stopHost, unplug } from "./build";
import { cleanUp, namespaceIdentity } from "./clean-up";
import { hostEnvironment, hostFile, hostLog, hostCommandPrefix } from "./host";
import type { RunningHost } from "./host";
import { layoutOf, OPERATOR } from "./layout";
import type { NodeLayout, Layout } from "./layout";
import { withLock } from "./lock";
import { run, start } from "./process";
import type { CommandResult, RunOptions } from "./process";
import { findRepository } from "./repository";
import { readRecord, stateFolder, writeRecord } from "./state";
import type { LabRecord, StateFolder } from "./state";
import { LabError, UsageError } from "./world";
import type { World } from "./world";

/** @throws LabError unless this process is root. */
export function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new LabError("The lab creates network namespaces, which needs root. Try: sudo npm run lab");
}

/** How long `down` waits for the lock of a builder that is ending or was just killed. */
const END_WAIT_MS = 5000;

export class Lab {
  private constructor(
    private record: LabRecord,
    private readonly layout: Layout,
    readonly folder: StateFolder,
  ) {}

  /**
   * Builds a world, replacing an existing lab with the same id. Needs root.
   * @throws LabError when the world is invalid or cannot be built; what was built is removed.
   */
  static async up(world: World, options: { id?: string } = {}): Promise<Lab> {
    const id = options.id ?? "lab";
    requireRoot();
    const layout = layoutOf(id, world);
    const folder = stateFolder(id);
    return withLock(id, async () => {
      await cleanUp(id);
      try {
        const hosts = await buildWorld(layout, folder);
        const builtAt = new Date().toISOString();
        const record = { version: 1, id, world, builtAt, hosts, operatorEnvironment: {} } as const;
        writeRecord(folder, record);
        return new Lab(record, layout, folder);
      } catch (error) {
        await cleanUp(id);
        throw error;
      }
    });
  }

  /** Opens a lab that another process built. @throws LabError when it is not up. */
  static open(id: string): Lab {
    const record = readRecord(id);
    return new Lab(record, layoutOf(id, record.world), stateFolder(id));
  }

  /** Ends a lab, even a half-built one. @returns whether there was one. */
  static down(id: string): Promise<boolean> {
    requireRoot();
    return withLock(id, () => cleanUp(id), { waitMs: END_WAIT_MS });
  }

  get id(): string {
    return this.record.id;
  }

  get builtAt(): string {
    return this.record.builtAt;
  }

  /** Every name that `exec` accepts: the internet, the operator, routers and hosts. */
  get nodes(): string[] {
    return this.layout.nodes.map((node) => node.name);
  }

  /** The hosts, in the order of the world. */
  get hosts(): string[] {
    return Object.keys(this.layout.management);
  }

  /** Sets the variables that `exec` and `spawn` add on the operator. They are stored in the lab's record: no secrets. */
  setOperatorEnvironment(environment: Record<string, string>): void {
    this.record = { ...this.record, operatorEnvironment: environment };
    writeRecord(this.folder, this.record);
  }

  /**
   * Runs a command as root and waits for it: on a host in / with a clean environment, on the operator in the repository
   * with the engine's environment.
   */
  exec(node: string, argv: string[], options: RunOptions = {}): Promise<CommandResult> {
    const { prefix, env, cwd } = this.enter(node);
    return run([...prefix, ...argv], { cwd, ...options, env: { ...env, ...options.env } });
  }

  /** Starts a command on a node; it is killed when this process ends. */
  spawn(node: string, argv: string[], options: SpawnOptions = {}): ChildProcess {
    const { prefix, env, cwd } = this.enter(node);
    return start([...prefix, ...argv], { cwd, ...options, env: { ...env, ...options.env } });
  }

  /** How many SSH logins a host has accepted since the lab was built. */
  logins(node: string): number {
    return this.sshLog(node).match(/^Accepted /gm)?.length ?? 0;
  }

  /** The log of the host's boot and sshd. */
  sshLog(node: string): string {
    return fs.readFileSync(hostLog(this.folder, this.host(node).name), "utf8");
  }

  /** The host's public SSH key, as `ssh-ed25519 BASE64`. */
  hostKey(node: string): string {
    const file = this.fileOf(node, "/etc/ssh/ssh_host_ed25519_key.pub");
    return fs.readFileSync(file, "utf8").split(" ").slice(0, 2).join(" ");
  }

  /** The path outside the host of a file in its /etc, /var, /root or /home; /run and /tmp are not visible from outside. */
  fileOf(node: string, file: string): string {
    return hostFile(this.folder, this.host(node).name, file);
  }

  /** The host's address on the operator's management network. */
  managementAddress(node: string): string {
    return this.layout.management[this.host(node).name] ?? "";
  }

  /** The OpenSSH private key that every host accepts for root and admin. Secret. */
  sshPrivateKey(): string {
    return fs.readFileSync(this.folder.sshKey, "utf8");
  }

  /** Silently drops every packet from and to a node, like a dead host or a cut line, until `reconnect`. */
  disconnect(node: string): Promise<void> {
    return unplug(this.layout, this.node(node));
  }

  reconnect(node: string): Promise<void> {
    return replug(this.layout, this.node(node));
  }

  /** Power-cycles a host: processes, interfaces, /run and /tmp are lost, all other files stay. */
  async reboot(node: string): Promise<void> {
    const host = this.host(node);
    await stopHost(this.layout, host);
    const running = await restartHost(this.layout, this.folder, host);
    this.record = { ...this.record, hosts: { ...this.record.hosts, [host.name]: running } };
    writeRecord(this.folder, this.record);
  }

  /** Ends the lab and everything that runs in it. */
  async down(): Promise<void> {
    await Lab.down(this.id);
  }

  private enter(name: string): { prefix: string[]; env: NodeJS.ProcessEnv; cwd: string } {
    const node = this.node(name);
    if (node.kind === "host") {
      return { prefix: hostCommandPrefix(this.running(node)), env: hostEnvironment(), cwd: "/" };
    }
    // The caller's PULUMI_* variables (access token, passphrase) belong to another backend.
    const outer = Object.entries(process.env).filter(([key]) => !key.startsWith("PULUMI_"));
    const own = name === OPERATOR ? this.record.operatorEnvironment : {};
    return {
      prefix: ["ip", "netns", "exec", node.namespace],
      env: { ...Object.fromEntries(outer), ...own },
      cwd: findRepository(),
    };
  }

  private running(node: NodeLayout): RunningHost {
    const host = this.record.hosts[node.name];
    const namespace = namespaceIdentity(`/run/netns/${node.namespace}`);
    // The pid may have been reused by another process.
    if (host === undefined || namespace !== namespaceIdentity(`/proc/${host.init}/ns/net`)) {
      throw new LabError(
        `The host ${node.name} is not running. Start the lab again: npm run lab -- ${this.id}`,
      );
    }
    return host;
  }

  private host(name: string): NodeLayout {
    const node = this.node(name);
    if (node.kind !== "host")
      throw new UsageError(`${name} is not a host. The hosts are: ${this.hosts.join(", ")}`);
    return node;
  }

  private node(name: string): NodeLayout {
    const node = this.layout.nodes.find((one) => one.name === name);
    if (node === undefined) {
      throw new UsageError(
        `The lab ${this.id} has no node ${name}. It has: ${this.nodes.join(", ")}`,
      );
    }
    return node;
  }
}
