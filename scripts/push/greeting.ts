/** What runs on a host first: it says how far the login has come, and becomes a root shell that reads its stdin. */

/** The line of a shell that runs our command, before it tries to become root. */
export const SHELL_MARK = "wireguard-mesh: shell";
/** The line of a root shell that listens; what follows is what it was to look at. */
export const READY_MARK = "wireguard-mesh: ready";
/** cloud-init's own command for root (disable_root_opts) says so, and then sleeps 10 s; with the user who may log in. */
export const LOGIN_AS_OTHER = /^Please login as the user "?([A-Za-z0-9._-]+)"? rather than/m;

/**
 * The command for ssh, as one line for the user's own shell, whatever that is: tried with bash, dash, busybox, mksh, zsh,
 * tcsh, fish. So there is one word in single quotes, with none in it. sudo speaks English to us, but its exit code and our
 * two lines say enough in any language. `greeting`: of greetingScript.
 */
export function remoteCommand(user: string, greeting: string): string {
  if (user === "root") return `exec sh -c '${greeting}; exec sh -s'`;
  const asRoot = `${greeting}; exec sh -s`.replace(/[\\"$`]/g, "\\$&");
  return `exec sh -c '${echo(SHELL_MARK)}; LC_ALL=C; export LC_ALL; exec sudo -n sh -c "${asRoot}"'`;
}

/** The same on this very machine, as a program and its arguments. */
export function localCommand(isRoot: boolean, greeting: string): string[] {
  return [...(isRoot ? [] : ["sudo", "-n"]), "sh", "-c", `${greeting}; exec sh -s`];
}

/**
 * Says `ready` with the first line of the host's lock file: a change that takes the lock later sees whether another one did
 * so in between. @throws Error unless it is one plain word for the shell.
 */
export function greetingScript(lockFile: string | null): string {
  if (lockFile === null) return echo(READY_MARK);
  if (!/^\/[A-Za-z0-9_=+./-]+$/.test(lockFile)) throw new Error(`no plain path: ${lockFile}`);
  // A shell complains of a file that is not there; the variable is not quoted, for a line of several words is none of ours.
  return `{ read -r last <${lockFile}; } 2>/dev/null; ${echo(READY_MARK)} $last`;
}

/** Quoted so that who prints our command instead of running it does not print the mark. */
function echo(mark: string): string {
  return `echo ${mark.replace(/^([^:]*)/, '"$1"')}`;
}
