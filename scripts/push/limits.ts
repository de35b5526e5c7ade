/** All time limits of a push. */

/** The host undoes a change that is not confirmed within this time. */
export const UNDO_AFTER_S = 45;

/** ssh's ConnectTimeout for one way; less with more than three ways or several addresses (addresses.ts). */
export const CONNECT_S = 6;
/** The same for ways that are tried at once: a relay whose watcher has just started sets its routes after some seconds. */
export const AT_ONCE_CONNECT_S = 8;
/** In an interactive session: from the jump host's login until the machine behind it answers. */
export const HOP_MS = 4_000;
/** From starting ssh until the root shell is ready, for one way. */
export const LOGIN_MS = 10_000;
/** From authentication until the command runs: the shell's start-up files come before it. */
export const SHELL_MS = 10_000;
/** From then until root: sudo takes 20 s if the host's own name does not resolve (5 s for each query and server). */
export const ROOT_MS = 30_000;
/** For a key that needs a touch or a confirmation by the user. */
export const TOUCH_MS = 30_000;
/** A signature or a sudo that takes longer is reported to the user. */
export const SLOW_MS = 2_500;
/** For counting the addresses of a name, which share 2 * CONNECT_S (addresses.ts). */
export const LOOKUP_MS = 1_000;

/** Limit on the messages of a login and on each log of ssh, in characters; with more, the connection is ended. */
export const MESSAGES_CAP = 256 * 1024;
/** Limit on the output for one answer, in characters. */
export const OUTPUT_CAP = 16 * 1024 * 1024;

/** For `ssh -G`, and for a second connection that shows the certificate of a refused host. */
export const SSH_QUERY_MS = 5_000;
/** For all ways together. An `up` to one dead host fails within 30 s, including the start of the engine. */
export const REACH_MS = 18_000;

/** For connecting to a relay, to ask for former addresses of a host that does not answer. */
export const FORMER_REACH_MS = 6_000;

/** Concurrent logins through one jump host; a default sshd starts to drop connections at ten. */
export const LOGINS_AT_ONCE = 8;
/** Waiting for a turn at a jump host; not counted as time of the host. */
export const TURN_MS = 20_000;

/** For the host's lock, including the undo of another push's change. */
export const LOCK_ON_HOST_MS = 70_000;
/** For an observation, which resolves names. */
export const OBSERVE_MS = 20_000;
/** For the pings of `doctor`, including a search for the path MTU. */
export const PROBE_MS = 90_000;
export const APPLY_MS = 40_000;
export const CONFIRM_MS = 45_000;
/** For an `apply` that installs packages. */
export const INSTALL_MS = 300_000;

/** From the start of an `adopt` until the instance has its host certificate. It boots in this time. */
export const BOOT_MS = 600_000;
/** For one attempt to connect to an instance that boots. */
export const BOOT_REACH_MS = 12_000;
/** Pause between two attempts. */
export const BOOT_RETRY_MS = 2_000;
/** For failures that are normal only for a short time: a stale address, a user that cloud-init has not created yet. */
export const BOOT_GRACE_MS = 60_000;
/** Interval of messages while waiting. */
export const BOOT_REPEAT_MS = 15_000;
/** For signing a host key. */
export const SIGN_MS = 10_000;
/** For one step of `adopt` on the host: the lock, then twice 20 s until sshd uses the new key. */
export const IDENTITY_MS = 90_000;
/** For the part of `adopt` before `apply`, including a last round that began just in time. */
export const ADOPT_MS = BOOT_MS + 3 * (IDENTITY_MS + BOOT_REACH_MS);

/** From the start of a change until an unreachable host must have undone it and answered again. */
export const SETTLE_MS = 85_000;
/** Pause between two attempts to reach the host again. */
export const RETRY_MS = 1_000;
/** For asking a host for the result of a push whose connection broke. */
export const FIND_OUT_MS = 30_000;

/** A whole `apply`, including waiting for a turn and for a rollback. INSTALL_MS is added if packages are installed. */
export const PUSH_MS = 168_000;
/** A whole `remove`, including waiting for a turn. */
export const REMOVE_MS = 49_000;
/** For connecting to a host for a removal, all ways together. */
export const REMOVE_REACH_MS = 15_000;
export const REMOVE_VERB_MS = 14_000;

/** For another push from this machine to the same host. */
export const LOCK_MS = 15_000;
/** Interval of checks whether the engine is still running. */
export const PARENT_WATCH_MS = 500;
/** For removing the agent and the temporary folder. */
export const CLEAN_UP_MS = 3_000;
