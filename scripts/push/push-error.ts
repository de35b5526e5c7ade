/** What goes wrong in a push, in words for the user. */
import type { Failure } from "./ssh-failure";

/** The message is what the user reads: the node's name first, then what, why, how to mend. It holds no secret. */
export class PushError extends Error {
  override readonly name: string = "PushError";

  /** The message without the node's name before it, for where that is shown beside it. */
  reason(node: string): string {
    const before = `${node}: `;
    return this.message.startsWith(before) ? this.message.slice(before.length) : this.message;
  }
}

/** One way that was tried in vain. */
export interface FailedWay {
  /** As in PushResult.through. */
  through: string;
  failure: Failure;
}

/** A way led there, but the login was refused; nothing was sent. */
export class RefusedError extends PushError {
  override readonly name = "RefusedError";

  constructor(
    message: string,
    readonly failure: Failure,
  ) {
    super(message);
  }
}

/** There was no way onto the host; nothing was sent to it. */
export class UnreachableError extends PushError {
  override readonly name = "UnreachableError";

  constructor(
    message: string,
    /** In the order tried; the last try of each way. */
    readonly ways: FailedWay[],
  ) {
    super(message);
  }
}

export function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}
