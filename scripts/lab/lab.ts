/** A lab that is up: the one thing that tests and the lab command talk to. */
import type { ChildProcess, SpawnOptions } from "node:child_process";
import * as fs from "node:fs";
import { bootNode, buildWorld, replug, takeDown, unplug } from "./build";
import { cleanUp, namespaceIdentity } from "./clean-up";
import { hostEnvironment, hostFile, hostLog, inHost } from "./host";
import type { RunningHost } from "./host";
import { layOut, OPERATOR } from "./layout";
import type { LaidNode, Layout } from "./layout";
import { withLock } from "./lock";
import { run, start } from "./process";
import type { Finished, RunOptions } from "./process";
import { findRepository } from "./repository";
import { readRecord, stateFolder, writeRecord } from "./state";
import type { LabRecord, StateFolder } from "./state";
import { LabError, UsageError } from "./world";
import type { World } from "./world";

/** @throws LabError when this process may not make namespaces. */
export function needRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new LabError("The lab makes network namespaces and needs root. Try: sudo npm run lab");
}

/** For ending a lab whose builder is just ending, or was just killed. */
const END_PATIENCE_MS = 5000;

export class Lab {
  private constructor(
    private record: LabRecord,
    private readonly layout: Layout,
    readonly folder: StateFolder,
  ) {}

  /**
   * Builds a world, in place of a former one of the same id. Needs root.
   * @throws LabError when the world is wrong or cannot be built; then nothing is left of it.
   */
  static async up(world: World, options: { id?: string } = {}): Promise<Lab> {
    const id = options.id ?? "lab";
    needRoot();
    const layout = layOut(id, world);
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

  /** A lab that another process built. @throws LabError when it is not up. */
  static open(id: string): Lab {
    const record = readRecord(id);
    return new Lab(record, layOut(id, record.world), stateFolder(id));
  }

  /** Ends a lab, also a half-built one; true when there was something to end. */
  static down(id: string): Promise<boolean> {
    needRoot();
    return withLock(id, () => cleanUp(id), { patienceMs: END_PATIENCE_MS });
  }

  get id(): string {
    return this.record.id;
  }

  get builtAt(): string {
    return this.record.builtAt;
  }

  /** All names that `exec` takes: operator, routers and hosts, and the internet. */
  get nodes(): string[] {
    return this.layout.nodes.map((node) => node.name);
  }

  /** The hosts, in the order of the world. */
  get hosts(): string[] {
    return Object.keys(this.layout.management);
  }

  /** What `exec` and `spawn` on the operator add to the environment; kept for other processes. No secrets. */
  setOperatorEnvironment(environment: Record<string, string>): void {
    this.record = { ...this.record, operatorEnvironment: environment };
    writeRecord(this.folder, this.record);
  }

  /**
   * Runs a command on a node to its end, as root: on a host in / with a clean environment, on the operator in the
   * repository with the engine's environment.
   */
  exec(node: string, argv: string[], options: RunOptions = {}): Promise<Finished> {
    const { words, env, cwd } = this.entrance(node);
    return run([...words, ...argv], { cwd, ...options, env: { ...env, ...options.env } });
  }

  /** Starts a command on a node; it ends, at the latest, with this process. */
  spawn(node: string, argv: string[], options: SpawnOptions = {}): ChildProcess {
    const { words, env, cwd } = this.entrance(node);
    return start([...words, ...argv], { cwd, ...options, env: { ...env, ...options.env } });
  }

  /** How many SSH logins a host has accepted since the lab was built. */
  logins(node: string): number {
    return this.sshLog(node).match(/^Accepted /gm)?.length ?? 0;
  }

  /** What the host's boot and its sshd said. */
  sshLog(node: string): string {
    return fs.readFileSync(hostLog(this.folder, this.host(node).name), "utf8");
  }

  /** The host's public SSH key, as `ssh-ed25519 BASE64`. */
  hostKey(node: string): string {
    const file = this.fileOf(node, "/etc/ssh/ssh_host_ed25519_key.pub");
    return fs.readFileSync(file, "utf8").split(" ").slice(0, 2).join(" ");
  }

  /** Where a host's /etc, /var, /root or /home file is for the machine; /run and /tmp cannot be seen from outside. */
  fileOf(node: string, file: string): string {
    return hostFile(this.folder, this.host(node).name, file);
  }

  /** The host's address on the operator's management network. */
  managementAddress(node: string): string {
    return this.layout.management[this.host(node).name] ?? "";
  }

  /** The OpenSSH private key that every host lets in as root and as admin. A secret. */
  sshPrivateKey(): string {
    return fs.readFileSync(this.folder.sshKey, "utf8");
  }

  /** Loses every packet from and to a node without a sign, as a dead host or a cut line does; until `mend`. */
  cut(node: string): Promise<void> {
    return unplug(this.layout, this.node(node));
  }

  mend(node: string): Promise<void> {
    return replug(this.layout, this.node(node));
  }

  /** Power off and on: processes, interfaces, /run and /tmp are gone, all other files stay. */
  async reboot(node: string): Promise<void> {
    const host = this.host(node);
    await takeDown(this.layout, host);
    const running = await bootNode(this.layout, this.folder, host);
    this.record = { ...this.record, hosts: { ...this.record.hosts, [host.name]: running } };
    writeRecord(this.folder, this.record);
  }

  /** Ends the lab and all that runs in it. */
  async down(): Promise<void> {
    await Lab.down(this.id);
  }

  private entrance(name: string): { words: string[]; env: NodeJS.ProcessEnv; cwd: string } {
    const node = this.node(name);
    if (node.kind === "host") {
      return { words: inHost(this.running(node)), env: hostEnvironment(), cwd: "/" };
    }
    // What points the engine elsewhere (an access token, a passphrase) must not mix with the lab's own.
    const outer = Object.entries(process.env).filter(([key]) => !key.startsWith("PULUMI_"));
    const own = name === OPERATOR ? this.record.operatorEnvironment : {};
    return {
      words: ["ip", "netns", "exec", node.namespace],
      env: { ...Object.fromEntries(outer), ...own },
      cwd: findRepository(),
    };
  }

  private running(node: LaidNode): RunningHost {
    const host = this.record.hosts[node.name];
    const namespace = namespaceIdentity(`/run/netns/${node.namespace}`);
    // A pid is only a number, which the machine may have given to another process since.
    if (host === undefined || namespace !== namespaceIdentity(`/proc/${host.init}/ns/net`)) {
      throw new LabError(
        `The host ${node.name} does not run. Start the lab again: npm run lab -- ${this.id}`,
      );
    }
    return host;
  }

  private host(name: string): LaidNode {
    const node = this.node(name);
    if (node.kind !== "host") throw new UsageError(`${name} is no host: ${this.hosts.join(", ")}`);
    return node;
  }

  private node(name: string): LaidNode {
    const node = this.layout.nodes.find((one) => one.name === name);
    if (node === undefined) {
      throw new UsageError(
        `The lab ${this.id} has no node ${name}. It has: ${this.nodes.join(", ")}`,
      );
    }
    return node;
  }
}
