/** The ways onto one host, and what is learnt of them from one login for the next. */
import type { HostAccess, HostTarget } from "../../mesh/push-request";
import { connectSeconds, countAddresses } from "./addresses";
import { attempt, type AttemptResult } from "./attempt";
import type { SshWorkspace } from "./ssh-workspace";
import { AT_ONCE_CONNECT_S, LOGIN_MS, REACH_MS } from "./limits";
import { SshContext } from "./ssh-context";
import type { SshPlace } from "./ssh-options";

export interface Limits {
  /** As in LoginAttempt. */
  greeting: string;
  /** For this login, as long as it is not known that somebody is there. */
  leftMs: number;
  /** As in LoginAttempt. */
  onJumped: () => void;
  /** As in LoginAttempt. */
  onSlow?: ((words: string) => void) | undefined;
}

/** What ssh is told for one way, but for the place of its files. */
export type WayOptions = Omit<SshPlace, keyof SshWorkspace>;

export class Ways {
  private readonly context: SshContext;
  /** Names whose IPv6 addresses do not answer. */
  private readonly ipv4Only = new Set<string>();

  /** `shared`: of a command with several hosts, which clears it away itself. `atOnce`: the ways share no time. */
  constructor(
    readonly access: HostAccess,
    private readonly shared: SshContext | null = null,
    private readonly atOnce = false,
  ) {
    this.context = shared ?? new SshContext(access.sshPrivateKey);
  }

  /** One login by one way. @throws PushError when the stack's own SSH key cannot be used. */
  async attempt(target: HostTarget, { leftMs, onSlow, ...limits }: Limits): Promise<AttemptResult> {
    const { node, targets } = this.access;
    const { workspace, options } = await this.prepare(target, targets.length);
    const result = await attempt(
      {
        ...{ node, target, ...limits, ...options },
        limitMs: Math.min(LOGIN_MS, leftMs),
        longestMs: leftMs,
        onSlow: onSlow ?? (() => undefined),
      },
      workspace,
    );
    const first = firstAddress(target);
    if (result.kind === "logged-in" && result.onlyIPv4Answers) this.ipv4Only.add(first);
    return result;
  }

  /** `ways`: among how many the time to connect is shared. `workspace` is null on this very machine. */
  async prepare(
    target: HostTarget,
    ways: number,
  ): Promise<{ workspace: SshWorkspace | null; options: WayOptions }> {
    const { node, targets } = this.access;
    const chain = target.kind === "local" ? [] : [...target.via, target.hop];
    const first = firstAddress(target);
    const [workspace, userOptions, addresses] = await Promise.all([
      chain.length === 0 ? null : this.context.workspace(node),
      Promise.all(chain.map((hop, index) => this.context.userOptions(hop, index === 0))),
      countAddresses(first),
    ]);
    const options = {
      way: `${node}-${targets.indexOf(target)}`,
      ...{ userOptions, isIPv4Only: this.ipv4Only.has(first) },
      connectSeconds: this.atOnce
        ? AT_ONCE_CONNECT_S
        : connectSeconds(ways, addresses, REACH_MS / 1000),
    };
    return { workspace, options };
  }

  /** Removes what was needed for the connections, unless it is shared. */
  async cleanUp(): Promise<void> {
    if (this.shared === null) await this.context.cleanUp();
  }
}

/** Of the machine that is dialled from here. */
function firstAddress(target: HostTarget): string {
  return target.kind === "local" ? "" : (target.via[0] ?? target.hop).address;
}
