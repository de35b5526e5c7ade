/** The ways onto one host, and what is learnt of them from one login for the next. */
import type { HostAccess, HostTarget, SshHop } from "../../mesh/push-request";
import { connectSeconds, countAddresses } from "./addresses";
import { attempt, type Ending } from "./attempt";
import { startKeep, type Keep } from "./keeper";
import { LOGIN_MS, REACH_MS } from "./limits";
import { formatHop } from "./ssh-options";
import { keylessOptions, mayNameKeys } from "./user-ssh-config";

export interface Limits {
  /** As in Try. */
  look: string;
  /** For this login, as long as it is not known that somebody is there. */
  leftMs: number;
  /** As in Try. */
  onJumped: () => void;
  /** As in Try. */
  onSlow?: ((words: string) => void) | undefined;
}

export class Ways {
  private keep: Promise<Keep> | null = null;
  /** By `user@address:port`: what ssh_config says, asked once. */
  private readonly asked = new Map<string, Promise<string[] | null>>();
  /** Names whose IPv6 addresses do not answer. */
  private readonly ipv4Only = new Set<string>();

  constructor(readonly access: HostAccess) {}

  /** One login by one way. @throws PushError when the stack's own SSH key cannot be used. */
  async attempt(target: HostTarget, { leftMs, onSlow, ...limits }: Limits): Promise<Ending> {
    const { node, targets } = this.access;
    const chain = target.kind === "local" ? [] : [...target.via, target.hop];
    const first = chain[0]?.address ?? "";
    const [keep, userOptions, addresses] = await Promise.all([
      chain.length === 0 ? null : this.keepOnce(),
      Promise.all(chain.map((hop, index) => this.userOptions(hop, index === 0))),
      countAddresses(first),
    ]);
    const isIPv4Only = this.ipv4Only.has(first);
    const ending = await attempt(
      {
        ...{ node, target, ...limits, userOptions, isIPv4Only },
        way: `way${targets.indexOf(target)}`,
        limitMs: Math.min(LOGIN_MS, leftMs),
        longestMs: leftMs,
        connectSeconds: connectSeconds(targets.length, addresses, REACH_MS / 1000),
        onSlow: onSlow ?? (() => undefined),
      },
      keep,
    );
    if (ending.kind === "in" && ending.onlyIPv4Answers) this.ipv4Only.add(first);
    return ending;
  }

  /** Removes what was needed for the connections. */
  async clearAway(): Promise<void> {
    // A keep that could not be started has cleared itself away.
    const started = await this.keep?.catch(() => null);
    await started?.clearAway();
  }

  private keepOnce(): Promise<Keep> {
    return (this.keep ??= startKeep(this.access.node, this.access.sshPrivateKey));
  }

  /** With a key of the stack's own, the keys that the user's ssh_config names must stay out of it. */
  private userOptions(hop: SshHop, isFirst: boolean): Promise<string[] | null> {
    if (this.access.sshPrivateKey === null) return Promise.resolve(null);
    const key = `${formatHop(hop)} ${isFirst}`;
    const known = this.asked.get(key) ?? (mayNameKeys() ? keylessOptions(hop, isFirst) : NONE);
    this.asked.set(key, known);
    return known;
  }
}

const NONE = Promise.resolve(null);
