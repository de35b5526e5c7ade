/** Why a command cannot go on, in the user's words: printed without a stack trace. */

/** `remedy` is what to do or to run, or null. Exit code 1: it failed; 2: it was called wrongly. Never holds a secret. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly remedy: string | null = null,
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message);
  }
}
