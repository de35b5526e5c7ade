/** The network of the ec2 scenario under a test's own lab id, with checks of the relay's machine. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import { poll } from "../../../scripts/poll";
import { authorityOf, principalOf } from "../../../mesh/ssh-identity";
import { Secret } from "../../../mesh/secret";
import type { CommandResult } from "../../../scripts/lab/process";
import { ec2 } from "../../../scripts/lab/scenarios/ec2";
import { Account } from "../../../scripts/lab/aws-plugin/account";
import { type } from "../../../scripts/lab/aws-plugin/kinds/kind";
import { textAt } from "../../../scripts/lab/aws-plugin/plain";
import { findOrBuildImage } from "../../../scripts/lab/vm/image";
import { Machine } from "../../../scripts/lab/vm/machine";
import { meshLab, type MeshLab } from "../../lab/support/mesh-lab";
import { setConfig } from "../../lab/support/stack-edits";

export const TUNNEL = { tokyo: "10.0.0.1", desktop: "10.0.0.2", laptop: "10.0.0.3" };
/** An emulated machine boots in one minute on an idle machine and in five on a busy one. */
const UP_LIMIT_MS = 900_000;
/** wireguard-go retries a handshake after five seconds. */
const ANSWER_LIMIT_MS = 60_000;
export const UP = ["up", "--yes", "--skip-preview", "--continue-on-error", "--diff"];

type Config = Record<string, { value: string; secret: boolean }>;

export class Ec2Network {
  private cachedConfig: Promise<Config> | undefined;

  private constructor(
    readonly mesh: MeshLab,
    readonly account: Account,
  ) {}

  static async create(id: string): Promise<Ec2Network> {
    progress("the disk image");
    await findOrBuildImage(progress);
    const mesh = await meshLab(ec2, id);
    return new Ec2Network(mesh, Account.of(mesh.lab.id));
  }

  get lab() {
    return this.mesh.lab;
  }

  /** Runs the engine's CLI on the operator; a non-zero exit code is not an error. */
  async pulumi(...args: string[]): Promise<CommandResult> {
    const startedAt = Date.now();
    const argv = ["pulumi", ...args, "--non-interactive"];
    const finished = await this.lab.exec("operator", argv, { timeoutMs: UP_LIMIT_MS });
    progress(`pulumi ${args.join(" ")}: ${finished.code}, ${secondsSince(startedAt)} s`);
    return finished;
  }

  /** Runs the engine's CLI and asserts success. */
  async mustPulumi(...args: string[]): Promise<CommandResult> {
    const finished = await this.pulumi(...args);
    assert.equal(finished.code, 0, `${finished.stdout}\n${finished.stderr}`);
    return finished;
  }

  up(...more: string[]): Promise<CommandResult> {
    return this.mustPulumi(...UP, ...more);
  }

  setRelay(key: string, value: unknown): void {
    setConfig(this.mesh.stack, ["relays", "tokyo", "ec2", key], value);
  }

  /** The stack's config with decrypted secrets; cached, because these tests change no secret. */
  private config(): Promise<Config> {
    this.cachedConfig ??= this.mustPulumi("config", "--show-secrets", "--json").then(
      ({ stdout }) => JSON.parse(stdout) as Config,
    );
    return this.cachedConfig;
  }

  /** Name → secret of the stack's config: keys, seeds and SSH private keys. */
  async secrets(): Promise<Map<string, string>> {
    const entries = Object.entries(await this.config()).filter(([, { secret }]) => secret);
    const texts = entries.flatMap(([key, { value }]): [string, string][] => {
      if (!value.startsWith("{")) return [[key, value]];
      const keys = JSON.parse(value) as Record<string, string>;
      return Object.entries(keys).map(([node, text]) => [`${key}.${node}`, text]);
    });
    return new Map(texts);
  }

  /** The ids of all instances: one, or two during a replacement. */
  get instances(): string[] {
    return this.account.all(type.instance).map(({ id }) => id);
  }

  get elastic(): string {
    const [address] = this.account.all(type.eip);
    return textAt(address?.properties ?? {}, "publicIp");
  }

  /** The user data of an instance. */
  userData(instanceId: string): string {
    return textAt(this.account.get(instanceId)?.properties ?? {}, "userData");
  }

  /** The machine of the only instance; SSH accepts only a certificate of the stack's authority. */
  async machine(): Promise<Machine> {
    const [id = "", ...more] = this.instances;
    assert.deepEqual(more, [], "more than one instance");
    const machine = Machine.open(this.lab, id);
    machine.expectAuthority(await this.authority(), principalOf(id));
    return machine;
  }

  async authority(): Promise<string> {
    const seed = (await this.config())["wireguard-mesh:sshAuthoritySeed"]?.value ?? "";
    return authorityOf(Secret.of(seed)).publicKey;
  }

  /** Runs a command on the relay's machine and asserts success. @returns its stdout without trailing newlines */
  async run(command: string): Promise<string> {
    const { code, stdout, stderr } = await (await this.machine()).ssh(command);
    assert.equal(code, 0, `${command}: ${stderr}`);
    return stdout.trimEnd();
  }

  /** The number of SSH logins that the machine has accepted since it booted, including the one that counts. */
  async logins(): Promise<number> {
    const count =
      "sudo journalctl --sync; sudo journalctl -b -q -o cat -t sshd | grep -c '^Accepted '";
    return Number(await this.run(count));
  }

  async canPing(from: string, to: string): Promise<boolean> {
    const ping = ["ping", "-n", "-c", "1", "-W", "2", to];
    return (await this.lab.exec(from, ping)).code === 0;
  }

  /** Asserts that both peers reach the relay and, through it, each other. */
  async assertWorks(limitMs = ANSWER_LIMIT_MS): Promise<void> {
    const pairs = [
      ["laptop", TUNNEL.tokyo],
      ["desktop", TUNNEL.tokyo],
      ["laptop", TUNNEL.desktop],
      ["desktop", TUNNEL.laptop],
    ] as const;
    const end = Date.now() + limitMs;
    for (const [from, to] of pairs) {
      const attempt = async () => ((await this.canPing(from, to)) ? true : undefined);
      const reply = await poll(attempt, { limitMs: end - Date.now(), pauseMs: 200 });
      assert.equal(reply, true, `${from} got no reply from ${to}`);
    }
  }

  /** The wg-quick file of a peer. */
  configOf(peer: string): string {
    return fs.readFileSync(this.lab.fileOf(peer, "/etc/wireguard/wg0.conf"), "utf8");
  }
}

/** Prints the progress of a slow test. */
export function progress(line: string): void {
  process.stderr.write(`      ${new Date().toISOString().slice(11, 19)} ${line}\n`);
}

export function secondsSince(startedAt: number): number {
  return Math.round((Date.now() - startedAt) / 100) / 10;
}
