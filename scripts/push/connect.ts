/** Onto a host as root, by the first of its ways that leads there. */
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
  /** For getting onto the host, all ways together; default REACH_MS. A step that takes its time there comes on top. */
  reachMs?: number;
  /** The host counts down meanwhile: its login goes before those that begin something. */
  urgent?: boolean;
  /** Given, a refused connection is tried again as well, in the same time; told so once. */
  onBooting?: (words: string) => void;
  /** Given, hosts that no way leads to are looked for by these ways too; a login does not come back by one of them. */
  former?: () => Promise<HostTarget[]>;
  /** Told, once each, why a login takes long: a key that waits for a touch, a slow sudo. */
  onSlow?: (words: string) => void;
}

export interface SessionOptions extends LoginOptions {
  /** On the host, a plain path: its first line is Session.lastChange. */
  lockFile?: string;
  /** What the host says is going on: its lines `progress: WORDS` on stderr, without that mark. */
  onProgress?: (words: string) => void;
}

export interface RunOptions extends LoginOptions {
  /** For the script on the host, once it was sent. */
  limitMs: number;
  /** Each line that the host says on stderr. A number returned is a new limitMs. */
  onStderr?: (line: string) => number | undefined;
}

/** A host that can be asked several times, each time by a connection of its own. */
export interface Host {
  /**
   * Runs a POSIX sh script as root there, by the way that lastTarget there last, then by the others in their order. It is sent only after the login, so a host that cannot show a pinned key gets nothing.
   * @throws UnreachableError when no way leads there, RefusedError when one does but the login is refused, SessionLost when
   * the host prints without end.
   */
  run(script: string, options: RunOptions): Promise<HostRun>;
  /**
   * Logs in as `run` does, and has `work` talk with the root shell. The connection ends with `work`, however that ends.
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

/** Whatever is needed for the connections (known hosts, an agent for the stack's own key) is gone when `work` is done, unless it is `shared`. */
export async function withHost<T>(
  access: HostAccess,
  work: (host: Host) => Promise<T>,
  shared: SshContext | null = null,
): Promise<T> {
  const ways = new Ways(access, shared);
  const all = [ways];
  let lastTarget: HostTarget | null = null;
  const logIn = async (options: LoginOptions, greeting: string): Promise<RootShell> => {
    // Who has been there comes back to find out or to confirm.
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
      const former = new Ways({ ...access, targets }, null, true);
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

/** What may be over in a moment, so that the same way is worth another try. */
const PASSING: FailureKind[] = ["dropped"];
/** What is over soon where a machine boots: its network is up, its sshd not yet. */
const BOOTING: FailureKind[] = [...PASSING, "refused"];

/** A dead way is not worth another wait where one is known to work. */
function lastTargetFirst(lastTarget: HostTarget | null, { targets }: HostAccess): HostTarget[] {
  return lastTarget === null
    ? targets
    : [lastTarget, ...targets.filter((other) => other !== lastTarget)];
}

/** Where a host is that has moved is not known, and each wrong way costs LOGIN_MS. Null: none leads there. */
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
      // A login that cannot be made in the time that is left is not begun.
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
    // Many pushes through one relay that begin together must not all come back together.
    const wait = pause * (0.5 + Math.random());
    if (open.length === 0 || performance.now() + wait + 1000 > deadline) {
      throw unreachable(access, failedWays);
    }
    if (
      pause === 500 &&
      [...failedWays.values()].some(({ failure }) => failure.kind === "refused")
    ) {
      options.onBooting?.("SSH is refused there, as by a machine that is still booting; trying on");
    }
    await sleep(wait);
  }
}
