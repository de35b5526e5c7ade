// Errors that the user can fix.

/** Printed without a stack trace. The message names the cause, then the remedy. */
export class SetupError extends Error {}
