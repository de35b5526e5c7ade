/** An interactive session on a host, over the first way that works: ssh(1) uses the user's terminal. */
import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import type { HostAccess, HostTarget, SshHop } from "../../mesh/push-request";
import { formatWay } from "./attempt";
import { sessionEnvironment } from "./environment";
import { HOP_MS, SLOW_MS } from "./limits";
import { waitingForKey } from "./login-messages";
import { FINAL, refusal, unreachable } from "./login-errors";
import type { FailedWay } from "./push-error";
import { explainFailure, type Failure } from "./ssh-failure";
import { readLog, readSshLog } from "./ssh-log";
import { sshCommand, writeFiles, type SshPlace } from "./ssh-options";
import { Ways } from "./ways";

export interface SessionCall {
  /** As for ssh(1): joined by spaces and run by the user's shell. Empty: a login shell. */
  command: readonly string[];
  /** Allocates a terminal even with a command, as `ssh -t`. */
  forceTerminal: boolean;
  /** Called before each way is tried, with the failure of the previous one. */
  onWay: (through: string, former: FailedWay | null) => void;
  /** Called with what the user has to do, such as touching a token. */
  onSlow: (words: string) => void;
}

type WayResult =
  { kind: "ended"; exitCode: number } | { kind: "failed"; failure: Failure; final: boolean };

/**
 * The exit code of the command, or 128 plus the number of the signal that ended ssh.
 * @throws UnreachableError if no way works, RefusedError if the login is refused.
 */
export async function runSession(access: HostAccess, call: SessionCall): Promise<number> {
  const ways = new Ways(access);
  const failedWays = new Map<HostTarget, FailedWay>();
  let former: FailedWay | null = null;
  try {
    for (const target of access.targets) {
      call.onWay(formatWay(target), former);
      const isLast = target === access.targets.at(-1);
      const result = await tryWay(ways, target, isLast, call);
      if (result.kind === "ended") return result.exitCode;
      former = { through: formatWay(target), failure: result.failure };
      failedWays.set(target, former);
      if (result.final) throw refusal(access.node, result.failure, [...failedWays.values()]);
    }
    throw unreachable(access, failedWays);
  } finally {
    await ways.cleanUp();
  }
}

async function tryWay(
  ways: Ways,
  target: HostTarget,
  isLast: boolean,
  call: SessionCall,
): Promise<WayResult> {
  if (target.kind === "local") return { kind: "ended", exitCode: await end(startHere(call)) };
  // The last way gets the full time, since there is no other to try.
  const { workspace, options } = await ways.prepare(target, isLast ? 1 : Infinity);
  if (workspace === null) throw new Error("a way by ssh needs a folder");
  const chain = [...target.via, target.hop];
  const place: SshPlace = {
    ...workspace,
    ...options,
    terminal: call.forceTerminal ? "forced" : "auto",
  };
  const ssh = sshCommand(chain, place);
  writeFiles(ssh);
  for (const file of ssh.logs) fs.rmSync(file, { force: true });
  const child = start("ssh", [...ssh.args, ...call.command]);
  const watch = new LoginWatch(child, ssh.logs, call.onSlow);
  const exitCode = await end(child).finally(() => {
    watch.stop();
  });
  return watch.isLetIn() || (exitCode !== 255 && !watch.gaveUp)
    ? { kind: "ended", exitCode: saidLast(ssh.logs.at(-1), exitCode) }
    : failedAttempt(chain, ssh.logs, watch.gaveUp, ways.access.node);
}

function failedAttempt(chain: SshHop[], logs: string[], gaveUp: boolean, node: string): WayResult {
  const logTexts = logs.map(readLog);
  const gaveUpAfterS = gaveUp ? HOP_MS / 1000 : null;
  const login = { logTexts, output: "", step: "ssh", exitCode: 255, isTooMuch: false } as const;
  const failure = explainFailure({ ...login, gaveUpAfterS, chain, node });
  // A refusal by a relay is not final: another way may lead to the host.
  const isThere = logTexts.slice(0, -1).every((text) => readSshLog(text).isAuthenticated);
  return { kind: "failed", failure, final: isThere && FINAL.includes(failure.kind) };
}

/** Prints what ssh logged about a lost connection. */
function saidLast(log: string | undefined, exitCode: number): number {
  const { words } = readSshLog(exitCode === 255 && log !== undefined ? readLog(log) : "");
  process.stderr.write(words);
  return exitCode;
}

/** The user's shell on this machine, as sshd would start it. */
function startHere({ command }: SessionCall): ChildProcess {
  const shell = os.userInfo().shell ?? "/bin/sh";
  return start(shell, command.length === 0 ? ["-l"] : ["-c", command.join(" ")]);
}

function start(program: string, args: string[]): ChildProcess {
  return spawn(program, args, { env: sessionEnvironment(), stdio: "inherit" });
}

/** Ctrl-C reaches the child through the terminal; other signals are forwarded. */
async function end(child: ChildProcess): Promise<number> {
  const stay = (): void => undefined;
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of ["SIGINT", "SIGQUIT"] as const) process.on(signal, stay);
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, pass);
  try {
    return await new Promise((resolve) => {
      child.on("error", (problem) => {
        process.stderr.write(`${child.spawnfile}: ${problem.message}\n`);
        resolve(127);
      });
      child.on("exit", (code, signal) => {
        resolve(code ?? 128 + (signal === null ? 0 : os.constants.signals[signal]));
      });
    });
  } finally {
    for (const signal of ["SIGINT", "SIGQUIT"] as const) process.off(signal, stay);
    for (const signal of ["SIGTERM", "SIGHUP"] as const) process.off(signal, pass);
  }
}

const WATCH_MS = 100;

/** Reads the logs until the login is accepted; gives up if the machine behind a jump host does not answer. */
class LoginWatch {
  gaveUp = false;
  private readonly timer: NodeJS.Timeout;
  private readonly reported = new Set<string>();
  private jumpedSince: number | null = null;
  private signingSince: number | null = null;

  constructor(
    private readonly child: ChildProcess,
    private readonly logs: string[],
    private readonly onSlow: (words: string) => void,
  ) {
    this.timer = setInterval(() => {
      this.poll();
    }, WATCH_MS);
  }

  isLetIn(): boolean {
    return readSshLog(readLog(this.logs.at(-1) ?? "")).isAuthenticated;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private poll(): void {
    const logs = this.logs.map((file) => readSshLog(readLog(file)));
    const key = logs.find(({ signing }) => signing !== null)?.signing ?? null;
    this.signingSince = key === null ? null : (this.signingSince ?? performance.now());
    if (this.signingSince !== null && performance.now() - this.signingSince > SLOW_MS)
      this.reportOnce(waitingForKey(key ?? ""));
    if (logs.at(-1)?.isAuthenticated === true) this.stop();
    const silent = logs.findIndex((log) => !log.isReached);
    const isJumped = silent > 0 && logs[silent - 1]?.isAuthenticated === true;
    this.jumpedSince = isJumped ? (this.jumpedSince ?? performance.now()) : null;
    if (this.jumpedSince === null || performance.now() - this.jumpedSince < HOP_MS) return;
    this.gaveUp = true;
    this.child.kill();
  }

  private reportOnce(words: string): void {
    if (this.reported.has(words)) return;
    this.reported.add(words);
    this.onSlow(words);
  }
}
