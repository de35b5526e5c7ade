/** Logs in to a host as root, over the first of its ways that works. */
import { setTimeout as sleep } from "node:timers/promises";
import type { HostAccess, HostTarget } from "../../mesh/push-request";
import { formatWay } from "./attempt";
import { greetingScript } from "./greeting";
import { REACH_MS } from "./limits";
import { takeTurn } from "./login-turns";
import { FINAL, refusal, unreachable } from "./login-errors";
import { UnreachableError, type FailedWay } from "./push-error";
import { type HostRun, type RootShell, type Session } from "./session";
import type { FailureKind } from "./ssh-failure";
import type { SshContext } from "./ssh-context";
import { Ways } from "./ways";

export type { HostRun, Session } from "./session";
export { SessionLost } from "./session";

export interface LoginOptions {
  /** Time limit for connecting, over all ways; default REACH_MS. Slow steps on the host are not counted. */
  reachMs?: number;
  /** A host is waiting for its confirmation: this login goes before those that begin a push. */
  urgent?: boolean;
  /** If set, a refused connection is tried again too, within the same limit. Called once when that happens. */
  onBooting?: (words: string) => void;
  /**
   * More ways to try if none works, such as former addresses of the host; its own ways are tried once more with them. One that
   * works is not tried first next time.
   */
  former?: () => Promise<HostTarget[]>;
  /** Called with each reason for a slow login, once: a key that waits for a touch, a slow sudo. */
  onSlow?: (words: string) => void;
}

export interface SessionOptions extends LoginOptions {
  /** A path on the host; its first line becomes Session.lastChange. */
  lockFile?: string;
  /** Called with the text of each `progress: TEXT` line on stderr. */
  onProgress?: (words: string) => void;
}

export interface RunOptions extends LoginOptions {
  /** Time limit for the script, from when it was sent. */
  limitMs: number;
  /** Called with each line of stderr. May return a new limitMs. */
  onStderr?: (line: string) => number | undefined;
}

/** A host that can be logged in to several times, with a new connection each time. */
export interface Host {
  /**
   * Runs a POSIX sh script as root, over the way that worked last, then over the others in order. The script is sent only
   * after the login, so a host without a pinned key gets nothing.
   * @throws UnreachableError if no way works, RefusedError if the login is refused, SessionLost if the host prints too much.
   */
  run(script: string, options: RunOptions): Promise<HostRun>;
  /**
   * Logs in as `run` does, and passes the root shell to `work`. The connection ends when `work` is done or throws.
   * @throws what `work` throws; UnreachableError and RefusedError before it is called.
   */
  session<T>(options: SessionOptions, work: (session: Session) => Promise<T>): Promise<T>;
}

/** Runs one script on a host; as Host.run. */
export function runOnHost(
  access: HostAccess,
  script: string,
  options: RunOptions,
  shared: SshContext | null = null,
): Promise<HostRun> {
  return withHost(access, (host) => host.run(script, options), shared);
}

/** Removes the SSH workspace when `work` is done, unless the context is `shared`. */
export async function withHost<T>(
  access: HostAccess,
  work: (host: Host) => Promise<T>,
  shared: SshContext | null = null,
): Promise<T> {
  const ways = new Ways(access, shared);
  const all = [ways];
  let lastTarget: HostTarget | null = null;
  const logIn = async (options: LoginOptions, greeting: string): Promise<RootShell> => {
    // After the first login, the next one confirms a change or asks for its result.
    const urgent = options.urgent ?? lastTarget !== null;
    const tried = { ...options, urgent };
    try {
      const { shell, target } = await tryWays(
        ways,
        lastTargetFirst(lastTarget, access),
        greeting,
        tried,
      );
      lastTarget = target;
      return shell;
    } catch (problem) {
      const targets = problem instanceof UnreachableError ? await options.former?.() : undefined;
      if (targets === undefined || targets.length === 0) throw problem;
      // By its own ways too: a watcher that was asked may have started again, and lead there now.
      const both = { ...access, targets: [...targets, ...access.targets] };
      const former = new Ways(both, null, true);
      all.push(former);
      const shell = await tryAtOnce(former, greeting, tried);
      if (shell === null) throw problem;
      return shell;
    }
  };
  const host: Host = {
    run: async (script, options) =>
      runIn(await logIn(options, greetingScript(null)), script, options),
    session: async ({ lockFile, onProgress, ...options }, work) => {
      const shell = await logIn(options, greetingScript(lockFile ?? null));
      shell.onStderr = (line) => {
        if (line.startsWith(PROGRESS)) onProgress?.(line.slice(PROGRESS.length));
      };
      try {
        return await work(shell);
      } finally {
        shell.breakOff();
      }
    },
  };
  try {
    return await work(host);
  } finally {
    await Promise.all(all.map((one) => one.cleanUp()));
  }
}

const PROGRESS = "progress: ";
/** A number that `onStderr` returns is a new limit. */
function runIn(
  shell: RootShell,
  script: string,
  { limitMs, onStderr }: RunOptions,
): Promise<HostRun> {
  shell.onStderr = (line) => {
    const newLimit = onStderr?.(line);
    if (newLimit !== undefined) shell.extend(newLimit);
  };
  shell.send(script);
  return shell.finish(limitMs);
}

/** Failures that are worth another try on the same way. */
const PASSING: FailureKind[] = ["dropped"];
/** On a machine that boots, the network is up before sshd. */
const BOOTING: FailureKind[] = [...PASSING, "refused"];

/** Tries the way that worked last first, to avoid timeouts on dead ones. */
function lastTargetFirst(lastTarget: HostTarget | null, { targets }: HostAccess): HostTarget[] {
  return lastTarget === null
    ? targets
    : [lastTarget, ...targets.filter((other) => other !== lastTarget)];
}

/** At once, since each former address that is wrong costs LOGIN_MS. Null if none works. */
async function tryAtOnce(
  ways: Ways,
  greeting: string,
  options: LoginOptions,
): Promise<RootShell | null> {
  const tries = ways.access.targets.map(async (target) => {
    const { shell } = await tryWays(ways, [target], greeting, options);
    return shell;
  });
  const first = await Promise.any(tries).catch(() => null);
  for (const one of tries) {
    const end = (shell: RootShell): void => {
      if (shell !== first) shell.breakOff();
    };
    one.then(end).catch(() => undefined);
  }
  return first;
}

async function tryWays(
  ways: Ways,
  targets: readonly HostTarget[],
  greeting: string,
  options: LoginOptions,
): Promise<{ shell: RootShell; target: HostTarget }> {
  const { access } = ways;
  let deadline = performance.now() + (options.reachMs ?? REACH_MS);
  const failedWays = new Map<HostTarget, FailedWay>();
  let open = targets;
  const passing = options.onBooting === undefined ? PASSING : BOOTING;
  for (let pause = 500; ; pause *= 2) {
    for (const target of open) {
      // Too little time is left for a login.
      if (deadline - performance.now() < 1000 && failedWays.size > 0) break;
      const turn = await takeTurn(target, options.urgent === true);
      deadline += turn.waitedMs;
      const leftMs = deadline - performance.now();
      const limits = { greeting, leftMs, onJumped: turn.end, onSlow: options.onSlow };
      const result = await ways.attempt(target, limits).finally(turn.end);
      if (result.kind === "logged-in") return { shell: result.shell, target };
      failedWays.delete(target);
      failedWays.set(target, { through: formatWay(target), failure: result.failure });
      if (FINAL.includes(result.failure.kind)) {
        throw refusal(access.node, result.failure, [...failedWays.values()]);
      }
    }
    open = [...failedWays].flatMap(([target, way]) =>
      passing.includes(way.failure.kind) ? [target] : [],
    );
    // Jitter: many pushes through one relay must not retry at the same time.
    const wait = pause * (0.5 + Math.random());
    if (open.length === 0 || performance.now() + wait + 1000 > deadline) {
      throw unreachable(access, failedWays);
    }
    if (
      pause === 500 &&
      [...failedWays.values()].some(({ failure }) => failure.kind === "refused")
    ) {
      options.onBooting?.(
        "SSH is refused there, as by a machine that is still booting; still trying",
      );
    }
    await sleep(wait);
  }
}
