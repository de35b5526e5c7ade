/** The ec2 scenario's network under an id of the test's own, and what the tests ask of its relay's machine. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import { authorityOf, principalOf } from "../../../mesh/ssh-identity";
import { Secret } from "../../../mesh/secret";
import type { CommandResult } from "../../../scripts/lab/process";
import { waitFor } from "../../../scripts/lab/process";
import { ec2 } from "../../../scripts/lab/scenarios/ec2";
import { Account } from "../../../scripts/lab/aws-plugin/account";
import { type } from "../../../scripts/lab/aws-plugin/kinds/kind";
import { textAt } from "../../../scripts/lab/aws-plugin/plain";
import { findOrBuildImage } from "../../../scripts/lab/vm/image";
import { Machine } from "../../../scripts/lab/vm/machine";
import { meshLab, type MeshLab } from "../../lab/support/mesh-lab";
import { setConfig } from "../../lab/support/stack-edits";

export const TUNNEL = { tokyo: "10.0.0.1", desktop: "10.0.0.2", laptop: "10.0.0.3" };
/** An emulated machine boots within a minute on an idle machine, and within five on a busy one. */
const UP_LIMIT_MS = 900_000;
/** wireguard-go tries a handshake again after five seconds. */
const ANSWER_LIMIT_MS = 60_000;
export const UP = ["up", "--yes", "--skip-preview", "--continue-on-error", "--diff"];

type Config = Record<string, { value: string; secret: boolean }>;

export class Ec2Network {
  private made: Promise<Config> | undefined;

  private constructor(
    readonly mesh: MeshLab,
    readonly account: Account,
  ) {}

  static async make(id: string): Promise<Ec2Network> {
    progress("the disk image");
    await findOrBuildImage(progress);
    const mesh = await meshLab(ec2, id);
    return new Ec2Network(mesh, Account.of(mesh.lab.id));
  }

  get lab() {
    return this.mesh.lab;
  }

  /** The engine, on the operator; its result whatever it is. */
  async pulumi(...args: string[]): Promise<CommandResult> {
    const begun = Date.now();
    const argv = ["pulumi", ...args, "--non-interactive"];
    const finished = await this.lab.exec("operator", argv, { timeoutMs: UP_LIMIT_MS });
    progress(`pulumi ${args.join(" ")}: ${finished.code}, ${secondsSince(begun)} s`);
    return finished;
  }

  /** The engine, which must succeed. */
  async must(...args: string[]): Promise<CommandResult> {
    const finished = await this.pulumi(...args);
    assert.equal(finished.code, 0, `${finished.stdout}\n${finished.stderr}`);
    return finished;
  }

  up(...more: string[]): Promise<CommandResult> {
    return this.must(...UP, ...more);
  }

  setRelay(key: string, value: unknown): void {
    setConfig(this.mesh.stack, ["relays", "tokyo", "ec2", key], value);
  }

  /** The stack's config as it was made, secrets in clear; these tests change no secret. */
  private config(): Promise<Config> {
    this.made ??= this.must("config", "--show-secrets", "--json").then(
      ({ stdout }) => JSON.parse(stdout) as Config,
    );
    return this.made;
  }

  /** Every secret of the stack's config by a name: keys, seeds, and the SSH keys' own lines. */
  async secrets(): Promise<Map<string, string>> {
    const entries = Object.entries(await this.config()).filter(([, { secret }]) => secret);
    const texts = entries.flatMap(([key, { value }]): [string, string][] => {
      if (!value.startsWith("{")) return [[key, value]];
      const keys = JSON.parse(value) as Record<string, string>;
      return Object.entries(keys).map(([node, text]) => [`${key}.${node}`, text]);
    });
    return new Map(texts);
  }

  /** The instances that there are. One, but while one takes the place of another. */
  get instances(): string[] {
    return this.account.all(type.instance).map(({ id }) => id);
  }

  get elastic(): string {
    const [address] = this.account.all(type.eip);
    return textAt(address?.properties ?? {}, "publicIp");
  }

  /** What the instance was given to boot with. */
  userData(instanceId: string): string {
    return textAt(this.account.get(instanceId)?.properties ?? {}, "userData");
  }

  /** The machine of the only instance, which must show a certificate of the stack's authority. */
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

  /** Runs a command on the relay's machine that must succeed; its stdout without the last newline. */
  async said(command: string): Promise<string> {
    const { code, stdout, stderr } = await (await this.machine()).ssh(command);
    assert.equal(code, 0, `${command}: ${stderr}`);
    return stdout.trimEnd();
  }

  /** How many SSH logins the machine has accepted in this boot, this one's own included. */
  async logins(): Promise<number> {
    const count = "sudo journalctl -b -q -o cat -t sshd | grep -c '^Accepted '";
    return Number(await this.said(count));
  }

  async answers(from: string, to: string): Promise<boolean> {
    const ping = ["ping", "-n", "-c", "1", "-W", "2", to];
    return (await this.lab.exec(from, ping)).code === 0;
  }

  /** Both peers reach the relay, and each other through it. */
  async assertWorks(limitMs = ANSWER_LIMIT_MS): Promise<void> {
    const ways = [
      ["laptop", TUNNEL.tokyo],
      ["desktop", TUNNEL.tokyo],
      ["laptop", TUNNEL.desktop],
      ["desktop", TUNNEL.laptop],
    ] as const;
    const end = Date.now() + limitMs;
    for (const [from, to] of ways) {
      const answered = async () => ((await this.answers(from, to)) ? true : undefined);
      const answer = await waitFor(answered, end - Date.now(), 200);
      assert.equal(answer, true, `${from} got no answer from ${to}`);
    }
  }

  /** The whole config of a peer, as it lies on its disk. */
  configOf(peer: string): string {
    return fs.readFileSync(this.lab.fileOf(peer, "/etc/wireguard/wg0.conf"), "utf8");
  }
}

/** Slow tests say how far they are. */
export function progress(line: string): void {
  process.stderr.write(`      ${new Date().toISOString().slice(11, 19)} ${line}\n`);
}

export function secondsSince(begun: number): number {
  return Math.round((Date.now() - begun) / 100) / 10;
}
