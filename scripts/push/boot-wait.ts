/** Waits for SSH on an instance that boots, and reports the wait. */
import type { PushRequest } from "../../mesh/push-request";
import { BOOT_GRACE_MS, BOOT_MS, BOOT_RETRY_MS, BOOT_REPEAT_MS } from "./limits";
import { PushError, messageOf } from "./push-error";
import type { Failure, FailureKind } from "./ssh-failure";

/** Normal while a machine boots. */
const BOOTING: FailureKind[] = ["refused", "timed-out", "no-route", "dropped", "other"];
/**
 * Normal only for a short time: the address still leads to the former instance (EC2 moves an Elastic IP in seconds), or
 * cloud-init has not created the user yet.
 */
const MOMENTARY: FailureKind[] = ["other-machine", "denied", "no-shell", "no-root"];

const WORDS: Partial<Record<FailureKind, string>> = {
  refused: "connection refused",
  "timed-out": "no answer",
  dropped: "the connection was closed before the login",
  "other-machine": "the address still leads to another instance",
  denied: "no login yet",
  "no-shell": "no login yet",
  "no-root": "no sudo yet",
};

export class BootWait {
  private readonly begun: number;
  private readonly momentarySince = new Map<FailureKind, number>();
  private said = { words: "", at: 0 };

  constructor(
    private readonly request: PushRequest,
    private readonly onMessage: (line: string) => void,
    private readonly now: () => number = Date.now,
  ) {
    this.begun = now();
  }

  /** Milliseconds until the timeout. */
  left(): number {
    return Math.max(0, this.begun + BOOT_MS - this.now());
  }

  /**
   * Called after a failed login; returns the milliseconds until the next attempt.
   * @throws `problem`, or a PushError with the cause, if a retry cannot help.
   */
  retryAfter(failure: Failure, problem: unknown = new PushError(failure.cause)): number {
    const since = this.momentarySince.get(failure.kind) ?? this.now();
    if (MOMENTARY.includes(failure.kind)) {
      this.momentarySince.set(failure.kind, since);
      if (this.now() - since > BOOT_GRACE_MS) throw problem;
    } else if (!BOOTING.includes(failure.kind)) {
      throw problem;
    }
    if (this.left() === 0) throw this.givenUp(problem);
    this.say(WORDS[failure.kind] ?? failure.cause);
    return BOOT_RETRY_MS;
  }

  /** Reports each new state, and repeats it every BOOT_REPEAT_MS. */
  private say(words: string): void {
    const now = this.now();
    if (words === this.said.words && now - this.said.at < BOOT_REPEAT_MS) return;
    this.said = { words, at: now };
    const seconds = Math.round((now - this.begun) / 1000);
    this.onMessage(`waits for SSH on ${this.address()} (${seconds} s): ${words}`);
  }

  private givenUp(problem: unknown): PushError {
    return new PushError(
      [
        `${this.request.node}: no SSH on ${this.address()} within ${BOOT_MS / 60_000} minutes of waiting for the instance to boot.`,
        `  last: ${messageOf(problem)}`,
        "Is this machine's own address among the adminCidrs of that relay (curl https://checkip.amazonaws.com)? " +
          `What does the instance say: aws ec2 get-console-output --latest --output text --instance-id ${this.instance()}\n` +
          "Then run `npx wireguard-mesh up` again: it goes on where this one ended.",
      ].join("\n"),
    );
  }

  private address(): string {
    const [target] = this.request.targets;
    return target?.kind === "ssh" ? target.hop.address : "this machine";
  }

  private instance(): string {
    return this.request.machine;
  }
}
