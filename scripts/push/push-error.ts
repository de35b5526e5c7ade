/** Errors of a push, with messages for the user. */
import type { Failure } from "./ssh-failure";

/** The message starts with the node's name; then cause and remedy. It holds no secret. */
export class PushError extends Error {
  override readonly name: string = "PushError";

  /** The message without the node's name, for output that shows the name beside it. */
  reason(node: string): string {
    const before = `${node}: `;
    return this.message.startsWith(before) ? this.message.slice(before.length) : this.message;
  }
}

/** A way that failed. */
export interface FailedWay {
  /** As in PushResult.through. */
  through: string;
  failure: Failure;
}

/** The host refused the login; nothing was sent. */
export class RefusedError extends PushError {
  override readonly name = "RefusedError";

  constructor(
    message: string,
    readonly failure: Failure,
  ) {
    super(message);
  }
}

/** No way to the host worked; nothing was sent. */
export class UnreachableError extends PushError {
  override readonly name = "UnreachableError";

  constructor(
    message: string,
    /** In the order tried, with the last failure of each way. */
    readonly ways: FailedWay[],
  ) {
    super(message);
  }
}

export function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}
