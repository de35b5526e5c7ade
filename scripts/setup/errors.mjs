// Errors that the user can fix.

/** Printed without a stack trace. The message names the cause, then the remedy. */
export class SetupError extends Error {}

/** This machine cannot run the lab, whatever is installed: not Linux, not root, a restricted container. */
export class UnsuitableMachine extends SetupError {}
