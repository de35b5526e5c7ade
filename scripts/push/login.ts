/** Watches a started ssh (or sudo) until a root shell is ready, with a time limit for each step. */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { CappedLines } from "./capped-lines";
import { endGroup } from "./children";
import { READY_MARK, LOGIN_AS_OTHER, SHELL_MARK } from "./greeting";
import { LoginClock, type LoginLimits } from "./login-clock";
import { unresolvedName, waitingForKey, waitingForSudo } from "./login-messages";
import { MESSAGES_CAP } from "./limits";
import { RootShell } from "./session";
import { logSize, readLog, readSshLog, type SshLog } from "./ssh-log";

export interface Login extends LoginLimits {
  child: ChildProcessWithoutNullStreams;
  /** The node's name in stack config. */
  node: string;
  /** As in PushResult.through. */
  through: string;
  /** The log file of each hop's ssh, in order; empty if this machine is the host. */
  logs: string[];
  /** Called once, when the first jump host has accepted the login. */
  onJumped: () => void;
  /** Called with the reason for a delay, once for each reason. */
  onSlow: (words: string) => void;
}

/** A login that did not end in a root shell. */
export interface FailedLogin {
  /** The log of each hop's ssh. */
  logTexts: string[];
  /** Output of the host, or of the user's ProxyCommand. */
  output: string;
  /** `root`: the command ran on the host, but sudo failed. */
  step: "ssh" | "root";
  /** Of ssh or sudo; null: it was killed. */
  exitCode: number | null;
  /** Null: it did not time out. */
  gaveUpAfterS: number | null;
  /** There was more output than MESSAGES_CAP. */
  isTooMuch: boolean;
}

const WATCH_MS = 200;
/** Short, because other logins wait for their turn until the jump host has accepted this one. */
const JUMP_WATCH_MS = 50;
const LOG_WATCH_MS = 500;

/** Never rejects. */
export function logIn(login: Login): Promise<RootShell | FailedLogin> {
  return new Promise((resolve) => {
    new PendingLogin(login, resolve).begin();
  });
}

class PendingLogin {
  private readonly stdout: CappedLines;
  private readonly stderr: CappedLines;
  private readonly words: string[] = [];
  private readonly sizes: number[] = [];
  private readonly logs: SshLog[];
  private timer: NodeJS.Timeout | undefined;
  private shell: RootShell | null = null;
  private hasJumped = false;
  private readonly reported = new Set<string>();
  private readonly clock: LoginClock;

  constructor(
    private readonly login: Login,
    private readonly done: (end: RootShell | FailedLogin) => void,
  ) {
    this.clock = new LoginClock(login);
    this.logs = login.logs.map(() => readSshLog(""));
    // On this machine sudo is the first step.
    if (login.logs.length === 0) this.clock.askedForRoot();
    const onTooMuch = (): void => {
      this.giveUp({ isTooMuch: true });
    };
    this.stdout = new CappedLines(MESSAGES_CAP, {
      onLine: (line) => {
        this.handleLine(line);
      },
      onTooMuch,
    });
    this.stderr = new CappedLines(MESSAGES_CAP, {
      onLine: (line) => this.words.push(line),
      onTooMuch,
    });
  }

  begin(): void {
    const { child } = this.login;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.stdout.write(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.stderr.write(text);
    });
    child.on("close", (code: number | null) => {
      this.fail({ exitCode: code });
    });
    child.on("error", (problem: NodeJS.ErrnoException) => {
      const why = problem.code === "ENOENT" ? "command not found" : problem.message;
      this.words.push(`${child.spawnfile}: ${why}`);
      this.fail({ exitCode: 127 });
    });
    const pauseMs = this.login.logs.length > 1 ? JUMP_WATCH_MS : WATCH_MS;
    this.timer = setInterval(() => {
      this.poll();
    }, pauseMs);
  }

  private handleLine(line: string): void {
    // Start-up files of the shell may print text before it, without a line end.
    const ready = line.indexOf(READY_MARK);
    if (ready !== -1) {
      this.succeed(line.slice(ready + READY_MARK.length).trim());
    } else if (line.endsWith(SHELL_MARK)) {
      this.clock.askedForRoot();
    } else {
      this.words.push(line);
      if (LOGIN_AS_OTHER.test(line)) this.giveUp({});
    }
  }

  private poll(): void {
    this.login.logs.forEach((file, index) => {
      const size = logSize(file);
      if (size === this.sizes[index]) return;
      this.sizes[index] = size;
      if (size > MESSAGES_CAP) this.giveUp({ isTooMuch: true });
      else if (this.shell === null) this.logs[index] = readSshLog(readLog(file));
    });
    if (this.shell !== null) return;
    this.noteProgress();
    if (this.clock.isOver()) this.giveUp({ gaveUpAfterS: this.clock.seconds() });
  }

  private noteProgress(): void {
    this.clock.note(this.logs);
    const [first, ...others] = this.logs;
    if (!this.hasJumped && others.length > 0 && first?.isAuthenticated === true) {
      this.hasJumped = true;
      this.login.onJumped();
    }
    const key = this.logs.find(({ signing }) => signing !== null)?.signing ?? "";
    if (this.clock.isSigningSlow()) this.reportOnce(waitingForKey(key));
    if (this.clock.isRootSlow()) this.reportOnce(waitingForSudo());
  }

  private reportOnce(words: string): void {
    if (this.reported.has(words)) return;
    this.reported.add(words);
    this.login.onSlow(words);
  }

  private succeed(lastChange: string): void {
    if (this.timer === undefined || this.shell !== null) return;
    const { child, node, through } = this.login;
    this.watchLogsOnly();
    const seconds = this.clock.rootSeconds();
    const warnIfSlow = (words: string): void => {
      const slow = unresolvedName(words, seconds);
      if (slow !== null) this.reportOnce(slow);
    };
    warnIfSlow(this.words.join("\n"));
    // sudo's warning comes before the shell, but on another pipe, which may be read later.
    child.stderr.on("data", warnIfSlow);
    const wire = { child, stdout: this.stdout, stderr: this.stderr };
    this.shell = new RootShell(wire, { node, through, lastChange });
    this.done(this.shell);
  }

  /** Logs must not grow without limit during a session either. */
  private watchLogsOnly(): void {
    clearInterval(this.timer);
    if (this.login.logs.length === 0) return;
    this.timer = setInterval(() => {
      this.poll();
    }, LOG_WATCH_MS);
    this.login.child.on("close", () => {
      clearInterval(this.timer);
    });
  }

  private giveUp(how: Partial<FailedLogin>): void {
    if (this.shell !== null) {
      this.shell.breakOff("too-much");
      return;
    }
    const { child } = this.login;
    if (child.pid !== undefined) endGroup(child.pid);
    // A grandchild that left the group may still hold the pipes open: nothing more is waited for.
    child.stdout.destroy();
    child.stderr.destroy();
    this.fail(how);
  }

  private fail(how: Partial<FailedLogin>): void {
    if (this.timer === undefined || this.shell !== null) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.done({
      logTexts: this.login.logs.map(readLog),
      output: [...this.words, this.stdout.rest, this.stderr.rest].join("\n"),
      step: this.clock.rootSince === null ? "ssh" : "root",
      exitCode: null,
      gaveUpAfterS: null,
      isTooMuch: false,
      ...how,
    });
  }
}
