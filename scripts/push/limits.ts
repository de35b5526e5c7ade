/** Every time limit of a push, in one place: the sum of what a push may take is decided here and nowhere else. */

/** A pushed config that nobody confirms is undone by the host itself after so many seconds. */
export const UNDO_AFTER_S = 45;

/** ssh's own limit for connecting and greeting, for one way; less where there are more than three ways. */
export const CONNECT_S = 6;
/** The same for ways that are tried at once: a relay whose watcher has just started leads there only after some seconds. */
export const AT_ONCE_CONNECT_S = 8;
/** In a person's session: from a jump until the machine behind it answers. */
export const HOP_MS = 4_000;
/** From starting ssh until a root shell waits on the host, for one way. */
export const LOGIN_MS = 10_000;
/** From being let in until a command of ours runs there: the shell's start-up files come before it. */
export const SHELL_MS = 10_000;
/** From then until root: a sudo whose own host name does not resolve takes 20 s (5 s for each question to each server). */
export const ROOT_MS = 30_000;
/** For a key that waits for its owner: a touch, a confirmation in the agent's window. */
export const TOUCH_MS = 30_000;
/** A signature or a sudo that takes longer waits for somebody or something, which is said. */
export const SLOW_MS = 2_500;
/** Names are looked up here to share CONNECT_S among their addresses; what takes longer is left to ssh alone. */
export const LOOKUP_MS = 1_000;

/** What is kept of a login's words and of each log of ssh, in characters; who says more is cut off. */
export const MESSAGES_CAP = 256 * 1024;
/** What is kept of a host's output for one answer, in characters. */
export const OUTPUT_CAP = 16 * 1024 * 1024;

/** For a second look at a machine that did not prove who it is. */
export const SSH_QUERY_MS = 5_000;
/** For all ways together: with the engine's own start, an `up` to one dead host fails within 30 s. */
export const REACH_MS = 18_000;

/** Getting onto a relay to ask for the former addresses of a host that does not answer. */
export const FORMER_REACH_MS = 6_000;

/** How many logins through one machine may be under way at once from this one; a stock sshd drops from the tenth on. */
export const LOGINS_AT_ONCE = 8;
/** Waiting for a turn at one; it is no time that the host has cost, and does not count as such. */
export const TURN_MS = 20_000;

/** What the host may take for one verb, once a root shell waits there. It bounds its own lock to 25 s. */
/** The host's own lock, a change of another push that is undone first included. */
export const LOCK_ON_HOST_MS = 70_000;
/** From the questions to the end of the observation; names are resolved meanwhile. */
export const OBSERVE_MS = 20_000;
/** For the pings of `doctor`: where large ones are lost, their limit is looked for. */
export const PROBE_MS = 90_000;
export const APPLY_MS = 40_000;
export const CONFIRM_MS = 45_000;
/** For an `apply` that says `progress:`, so for one that installs packages. */
export const INSTALL_MS = 300_000;

/** From the start of an `adopt` until the machine has its lasting identity: an instance boots meanwhile. */
export const BOOT_MS = 600_000;
/** Getting onto a machine that boots, for one try; then it is said what is waited for. */
export const BOOT_REACH_MS = 12_000;
/** Between two tries. */
export const BOOT_RETRY_MS = 2_000;
/** What may be wrong for so long only: an address still leads to its former instance, a user is not made yet. */
export const BOOT_GRACE_MS = 60_000;
/** How often it is said again what is waited for. */
export const BOOT_REPEAT_MS = 15_000;
/** For one signature. */
export const SIGN_MS = 10_000;
/** What the host may take for one step to its identity: its lock, then twice 20 s until sshd shows what it was told. */
export const IDENTITY_MS = 90_000;
/** What an `adopt` may take before its apply begins: a last round that began just in time is brought to its end. */
export const ADOPT_MS = BOOT_MS + 3 * (IDENTITY_MS + BOOT_REACH_MS);

/** From `pending` until a host that nobody gets onto any more must have gone back and been seen again. */
export const SETTLE_MS = 85_000;
/** Between two tries to get back onto a host. */
export const RETRY_MS = 1_000;
/** For finding out what became of a push whose connection broke. */
export const FIND_OUT_MS = 30_000;

/** The whole of an `apply`, waiting for a turn and for a rollback included; INSTALL_MS comes on top where packages are installed. */
export const PUSH_MS = 168_000;
/** The whole of a `remove`, waiting for a turn included. */
export const REMOVE_MS = 49_000;
/** Getting onto a host for a removal, all ways together. */
export const REMOVE_REACH_MS = 15_000;
export const REMOVE_VERB_MS = 14_000;

/** Waiting for another push to the same host that is at work on this machine. */
export const LOCK_MS = 15_000;
/** How often the program looks whether the engine that started it is still there. */
export const PARENT_WATCH_MS = 500;
/** For clearing away: agent, temporary folder. */
export const CLEAN_UP_MS = 3_000;
