/** Onto a host as root, by the first of its ways that leads there. */
import { setTimeout as sleep } from "node:timers/promises";
import type { HostAccess, HostTarget } from "../../mesh/push-request";
import { attempt, formatWay, type Ending } from "./attempt";
import { startKeep, type Keep } from "./keeper";
import { CONNECT_S, LOGIN_MS, REACH_MS } from "./limits";
import { takeTurn } from "./login-turns";
import { RefusedError, UnreachableError, type VainWay } from "./push-error";
import type { Failure, FailureKind } from "./ssh-failure";

export interface RunOptions {
  /** For the script on the host, once it was sent. */
  limitMs: number;
  /** For getting onto the host, all ways together; default REACH_MS. */
  reachMs?: number;
  /** The host counts down meanwhile: its login goes before those that begin something. */
  urgent?: boolean;
  /** Each line that the host says on stderr. A number returned is a new limitMs. */
  onTalk?: (line: string) => number | undefined;
  /** Confirms to the script that its output arrives: see prove_way in host/50-change.sh. */
  answersProof?: boolean;
  /** Given, a refused connection is tried again as well, in the same time; told so once. */
  onBooting?: (words: string) => void;
}

export interface HostRun {
  stdout: string;
  stderr: string;
  /** null: the connection broke, or the limit was reached, after the script was sent. What the script did is not known. */
  exitCode: number | null;
  /** The way taken, as in PushResult.through. */
  through: string;
}

/** A host that can be asked several times, each time by a connection of its own. */
export interface Host {
  /**
   * Runs a POSIX sh script as root there, by the way that led there last, then by the others in their order. It is sent only after the login, so a host that cannot show a pinned key gets nothing.
   * @throws UnreachableError when no way leads there, RefusedError when one does but the login is refused.
   */
  run(script: string, options: RunOptions): Promise<HostRun>;
}

/** Runs one script on a host; as Host.run. */
export function runOnHost(
  access: HostAccess,
  script: string,
  options: RunOptions,
): Promise<HostRun> {
  return withHost(access, (host) => host.run(script, options));
}

/** Whatever is needed for the connections (known hosts, an agent for the stack's own key) is gone when `work` is done. */
export async function withHost<T>(
  access: HostAccess,
  work: (host: Host) => Promise<T>,
): Promise<T> {
  let keep: Promise<Keep> | null = null;
  const keepOnce = (): Promise<Keep> => (keep ??= startKeep(access.node, access.sshPrivateKey));
  let ways = access.targets;
  const host: Host = {
    run: async (script, options) => {
      const { run, target } = await tryWays(
        { ...access, targets: ways },
        script,
        // Who has run something there comes back to find out or to confirm.
        { urgent: ways !== access.targets, ...options },
        keepOnce,
      );
      // A dead way is not worth another wait where one is known to work.
      ways = [target, ...access.targets.filter((other) => other !== target)];
      return run;
    },
  };
  try {
    return await work(host);
  } finally {
    // A keep that could not be started has cleared itself away.
    const started = await (keep as Promise<Keep> | null)?.catch(() => null);
    await started?.clearAway();
  }
}

/** What may be over in a moment, so that the same way is worth another try. */
const PASSING: FailureKind[] = ["dropped"];
/** What is over soon where a machine boots: its network is up, its sshd not yet. */
const BOOTING: FailureKind[] = [...PASSING, "refused"];
/** What another way to the same machine would meet too. A wrong host key is not: that is another machine. */
const FINAL: FailureKind[] = ["denied", "no-root"];

async function tryWays(
  access: HostAccess,
  script: string,
  options: RunOptions,
  startKeep: () => Promise<Keep>,
): Promise<{ run: HostRun; target: HostTarget }> {
  let deadline = Date.now() + (options.reachMs ?? REACH_MS);
  const vain = new Map<HostTarget, VainWay>();
  let open = access.targets;
  const passing = options.onBooting === undefined ? PASSING : BOOTING;
  for (let pause = 500; ; pause *= 2) {
    for (const target of open) {
      // A login that cannot be made in the time that is left is not begun.
      if (deadline - Date.now() < 1000 && vain.size > 0) break;
      const turn = await takeTurn(target, options.urgent === true);
      deadline += turn.waitedMs;
      const loginMs = Math.min(LOGIN_MS, deadline - Date.now());
      const one = { ...tryOf(access, target, script, options, loginMs), onJumped: turn.end };
      const ending = await attempt(one, startKeep).finally(turn.end);
      const through = formatWay(target);
      if (ending.kind === "ran") return { run: ranThrough(through, ending), target };
      vain.delete(target);
      vain.set(target, { through, failure: ending.failure });
      if (FINAL.includes(ending.failure.kind)) {
        throw refusal(access.node, ending.failure, [...vain.values()]);
      }
    }
    open = [...vain].flatMap(([target, way]) =>
      passing.includes(way.failure.kind) ? [target] : [],
    );
    // Many pushes through one relay that begin together must not all come back together.
    const wait = pause * (0.5 + Math.random());
    if (open.length === 0 || Date.now() + wait + 1000 > deadline) throw unreachable(access, vain);
    if (pause === 500 && [...vain.values()].some(({ failure }) => failure.kind === "refused")) {
      options.onBooting?.("SSH is refused there, as by a machine that is still booting; trying on");
    }
    await sleep(wait);
  }
}

function tryOf(
  access: HostAccess,
  target: HostTarget,
  script: string,
  options: RunOptions,
  loginMs: number,
) {
  return {
    node: access.node,
    target,
    way: `way${access.targets.indexOf(target)}`,
    script,
    loginMs,
    connectSeconds: Math.max(
      3,
      Math.min(CONNECT_S, Math.floor(REACH_MS / 1000 / access.targets.length)),
    ),
    limitMs: options.limitMs,
    onTalk: options.onTalk ?? (() => undefined),
    question: options.answersProof === true ? PROOF : null,
  };
}

const PROOF = { asked: /^carried-out$/m, answer: "seen\n" };

function ranThrough(through: string, ending: Extract<Ending, { kind: "ran" }>): HostRun {
  return { stdout: ending.stdout, stderr: ending.stderr, exitCode: ending.exitCode, through };
}

function refusal(node: string, last: Failure, ways: VainWay[]): RefusedError {
  const others = ways.slice(0, -1).map((way) => `  ${way.through}: ${way.failure.cause}`);
  const lines = [
    `${node}: ${last.cause}. Nothing was changed there.`,
    ...(others.length === 0 ? [] : ["Tried before it:", ...others]),
    last.remedy,
  ];
  return new RefusedError(lines.join("\n"), last);
}

/** `via:RELAY`: to the tunnel's address, through the relay. */
const isTunnel = (target: HostTarget): boolean => target.kind === "ssh" && target.via.length > 0;

const TUNNEL_ONLY =
  "Its only way in is the tunnel. If this change moved the tunnel's other end (the address of this node, the relay's port or " +
  "endpoint), the host still has the former config: put the former value back, run up, and make the change when it has " +
  "another way in (host takes a list).";

/** A host that shows a wrong key comes first among the reasons: that is what needs eyes. */
function unreachable(access: HostAccess, vain: Map<HostTarget, VainWay>): UnreachableError {
  const ways = [...vain.values()];
  const untried = access.targets.filter((target) => !vain.has(target)).map(formatWay);
  const lead = ways.find((way) => way.failure.kind === "host-key") ?? ways[0];
  const lines = [
    `${access.node}: cannot be reached, so nothing was sent to it.`,
    ...ways.map((way) => `  ${way.through}: ${way.failure.cause}`),
    ...untried.map((through) => `  ${through}: not tried, the time was up`),
    lead?.failure.remedy ?? "",
    ...(access.targets.every(isTunnel) ? [TUNNEL_ONLY] : []),
  ];
  return new UnreachableError(lines.join("\n"), ways);
}
