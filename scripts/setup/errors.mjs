// What the set-up throws when it cannot go on for a reason that a person can mend.

/** Its message is whole: what is wrong, why it matters, and the command that mends it. Shown without a stack. */
export class SetupError extends Error {}
