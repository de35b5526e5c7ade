/** The ways to a host, and what earlier logins found out about them. */
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
  /** Time limit until the first machine answers. */
  leftMs: number;
  /** As in LoginAttempt. */
  onJumped: () => void;
  /** As in LoginAttempt. */
  onSlow?: ((words: string) => void) | undefined;
}

/** ssh options of a way that do not depend on the workspace. */
export type WayOptions = Omit<SshPlace, keyof SshWorkspace>;

export class Ways {
  private readonly context: SshContext;
  /** Host names whose IPv6 addresses did not answer. */
  private readonly ipv4Only = new Set<string>();

  /** `shared`: the context of a command with several hosts, which cleans it up. `atOnce`: the ways are tried in parallel. */
  constructor(
    readonly access: HostAccess,
    private readonly shared: SshContext | null = null,
    private readonly atOnce = false,
  ) {
    this.context = shared ?? new SshContext(access.sshPrivateKey);
  }

  /** Tries to log in over one way. @throws PushError if the stack's own SSH key cannot be used. */
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

  /** `ways`: how many share the time to connect. `workspace` is null if this machine is the host. */
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

  /** Removes the workspace, unless the context is shared. */
  async cleanUp(): Promise<void> {
    if (this.shared === null) await this.context.cleanUp();
  }
}

/** The address that this machine connects to. */
function firstAddress(target: HostTarget): string {
  return target.kind === "local" ? "" : (target.via[0] ?? target.hop).address;
}
