/** How long each step of a login may take: each that has begun may lengthen the whole. */
import * as limits from "./limits";
import type { SshLog } from "./ssh-log";

export interface LoginLimits {
  /** From the start until a root shell listens, in ms. */
  limitMs: number;
  /** Dialling further addresses of the first machine may take so long from the start, in ms. */
  longestMs: number;
  /** As in SshPlace. */
  connectSeconds: number;
  /** For each step; default as in limits.ts. */
  stepMs?: StepLimits;
}

/** In ms. */
export interface StepLimits {
  /** From being let in to our command. */
  shell: number;
  /** From there to root. */
  root: number;
  /** For the signature of a key. */
  touch: number;
  /** What takes longer is said. */
  slow: number;
}

const STEP_MS: StepLimits = {
  shell: limits.SHELL_MS,
  root: limits.ROOT_MS,
  touch: limits.TOUCH_MS,
  slow: limits.SLOW_MS,
};

/** By the monotonic clock, which nobody sets. */
export class LoginClock {
  /** When our command ran and asked for root; null: not yet. */
  rootSince: number | null = null;

  private readonly begun = performance.now();
  private readonly stepMs: StepLimits;
  private signingSince: number | null = null;
  private letInSince: number | null = null;
  private dialled = 0;

  constructor(private readonly login: LoginLimits) {
    this.stepMs = login.stepMs ?? STEP_MS;
  }

  /** `logs`: of each machine of the way. */
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

  /** Of the last step, or of all if there was none apart. */
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
