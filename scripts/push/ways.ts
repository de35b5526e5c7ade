/** The ways onto one host, and what is learnt of them from one login for the next. */
import type { HostAccess, HostTarget } from "../../mesh/push-request";
import { connectSeconds, countAddresses } from "./addresses";
import { attempt, type Ending } from "./attempt";
import type { Keep } from "./keeper";
import { AT_ONCE_CONNECT_S, LOGIN_MS, REACH_MS } from "./limits";
import { SharedKeep } from "./shared-keep";
import type { SshPlace } from "./ssh-options";

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

/** What ssh is told for one way, but for the place of its files. */
export type WayOptions = Omit<SshPlace, keyof Keep>;

export class Ways {
  private readonly keeping: SharedKeep;
  /** Names whose IPv6 addresses do not answer. */
  private readonly ipv4Only = new Set<string>();

  /** `shared`: of a command with several hosts, which clears it away itself. `atOnce`: the ways share no time. */
  constructor(
    readonly access: HostAccess,
    private readonly shared: SharedKeep | null = null,
    private readonly atOnce = false,
  ) {
    this.keeping = shared ?? new SharedKeep(access.sshPrivateKey);
  }

  /** One login by one way. @throws PushError when the stack's own SSH key cannot be used. */
  async attempt(target: HostTarget, { leftMs, onSlow, ...limits }: Limits): Promise<Ending> {
    const { node, targets } = this.access;
    const { keep, options } = await this.prepare(target, targets.length);
    const ending = await attempt(
      {
        ...{ node, target, ...limits, ...options },
        limitMs: Math.min(LOGIN_MS, leftMs),
        longestMs: leftMs,
        onSlow: onSlow ?? (() => undefined),
      },
      keep,
    );
    const first = firstAddress(target);
    if (ending.kind === "in" && ending.onlyIPv4Answers) this.ipv4Only.add(first);
    return ending;
  }

  /** `ways`: among how many the time to connect is shared. `keep` is null on this very machine. */
  async prepare(
    target: HostTarget,
    ways: number,
  ): Promise<{ keep: Keep | null; options: WayOptions }> {
    const { node, targets } = this.access;
    const chain = target.kind === "local" ? [] : [...target.via, target.hop];
    const first = firstAddress(target);
    const [keep, userOptions, addresses] = await Promise.all([
      chain.length === 0 ? null : this.keeping.keep(node),
      Promise.all(chain.map((hop, index) => this.keeping.userOptions(hop, index === 0))),
      countAddresses(first),
    ]);
    const options = {
      way: `${node}-${targets.indexOf(target)}`,
      ...{ userOptions, isIPv4Only: this.ipv4Only.has(first) },
      connectSeconds: this.atOnce
        ? AT_ONCE_CONNECT_S
        : connectSeconds(ways, addresses, REACH_MS / 1000),
    };
    return { keep, options };
  }

  /** Removes what was needed for the connections, unless it is shared. */
  async clearAway(): Promise<void> {
    if (this.shared === null) await this.keeping.clearAway();
  }
}

/** Of the machine that is dialled from here. */
function firstAddress(target: HostTarget): string {
  return target.kind === "local" ? "" : (target.via[0] ?? target.hop).address;
}
