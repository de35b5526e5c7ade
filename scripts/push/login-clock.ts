/** Time limits of a login: each step that begins may extend the deadline. */
import * as limits from "./limits";
import type { SshLog } from "./ssh-log";

export interface LoginLimits {
  /** From the start until the root shell is ready, in ms. */
  limitMs: number;
  /** The same, if the first machine has several addresses to try, in ms. */
  longestMs: number;
  /** As in SshPlace. */
  connectSeconds: number;
  /** For each step; default as in limits.ts. */
  stepMs?: StepLimits;
}

/** In ms. */
export interface StepLimits {
  /** From authentication until the command runs. */
  shell: number;
  /** From there to root. */
  root: number;
  /** For a signature by the SSH key. */
  touch: number;
  /** A step that takes longer is reported. */
  slow: number;
}

const STEP_MS: StepLimits = {
  shell: limits.SHELL_MS,
  root: limits.ROOT_MS,
  touch: limits.TOUCH_MS,
  slow: limits.SLOW_MS,
};

/** Uses the monotonic clock, which does not jump. */
export class LoginClock {
  /** When the command called sudo; null: not yet. */
  rootSince: number | null = null;

  private readonly begun = performance.now();
  private readonly stepMs: StepLimits;
  private signingSince: number | null = null;
  private letInSince: number | null = null;
  private dialled = 0;

  constructor(private readonly login: LoginLimits) {
    this.stepMs = login.stepMs ?? STEP_MS;
  }

  /** `logs`: one for each hop. */
  note(logs: SshLog[]): void {
    const now = performance.now();
    this.dialled = logs[0]?.dialled.length ?? 0;
    if (logs.at(-1)?.isAuthenticated === true) this.letInSince ??= now;
    const isSigning = logs.some(({ signing }) => signing !== null);
    this.signingSince = isSigning ? (this.signingSince ?? now) : null;
  }

  askedForRoot(): void {
    this.rootSince ??= performance.now();
  }

  isSigningSlow(): boolean {
    return this.isSlow(this.signingSince);
  }

  isRootSlow(): boolean {
    return this.isSlow(this.rootSince);
  }

  /** Seconds since sudo was called, or since the start if it was not. */
  rootSeconds(): number {
    return Math.round((performance.now() - (this.rootSince ?? this.begun)) / 1000);
  }

  seconds(): number {
    return Math.round((performance.now() - this.begun) / 1000);
  }

  isOver(): boolean {
    return performance.now() > this.deadline();
  }

  private isSlow(since: number | null): boolean {
    return since !== null && performance.now() - since > this.stepMs.slow;
  }

  private deadline(): number {
    const { limitMs, longestMs, connectSeconds } = this.login;
    if (this.rootSince !== null) return this.rootSince + this.stepMs.root;
    const forAll = limitMs + Math.max(0, this.dialled - 1) * connectSeconds * 1000;
    return Math.max(
      this.begun + Math.max(limitMs, Math.min(forAll, longestMs)),
      this.letInSince === null ? 0 : this.letInSince + this.stepMs.shell,
      this.signingSince === null ? 0 : this.signingSince + this.stepMs.touch,
    );
  }
}
