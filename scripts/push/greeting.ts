/** The command that a login runs: it reports its progress and becomes a root shell that reads stdin. */

/** Printed when the command runs, before sudo. */
export const SHELL_MARK = "wireguard-mesh: shell";
/** Printed by the root shell when it is ready, followed by the first line of the lock file. */
export const READY_MARK = "wireguard-mesh: ready";
/** Printed by cloud-init's forced command for root (disable_root_opts), with the name of the user to log in as. */
export const LOGIN_AS_OTHER = /^Please login as the user "?([A-Za-z0-9._-]+)"? rather than/m;

/**
 * The command for ssh, as one line for any login shell (tested: bash, dash, busybox, mksh, zsh, tcsh, fish): one word in
 * single quotes, with none inside. `greeting`: from greetingScript.
 */
export function remoteCommand(user: string, greeting: string): string {
  if (user === "root") return `exec sh -c '${greeting}; exec sh -s'`;
  const asRoot = `${greeting}; exec sh -s`.replace(/[\\"$`]/g, "\\$&");
  return `exec sh -c '${echo(SHELL_MARK)}; LC_ALL=C; export LC_ALL; exec sudo -n sh -c "${asRoot}"'`;
}

/** The same for this machine, as a program and its arguments. */
export function localCommand(isRoot: boolean, greeting: string): string[] {
  return [...(isRoot ? [] : ["sudo", "-n"]), "sh", "-c", `${greeting}; exec sh -s`];
}

/**
 * Prints READY_MARK with the first line of the host's lock file, which shows later whether another change came in between.
 * @throws Error if the path needs quoting.
 */
export function greetingScript(lockFile: string | null): string {
  if (lockFile === null) return echo(READY_MARK);
  if (!/^\/[A-Za-z0-9_=+./-]+$/.test(lockFile)) throw new Error(`no plain path: ${lockFile}`);
  // The file may be missing. $last needs no quotes: this program writes one word.
  return `{ read -r last <${lockFile}; } 2>/dev/null; ${echo(READY_MARK)} $last`;
}

/** Quoted, so that a program that prints the command instead of running it does not print the mark. */
function echo(mark: string): string {
  return `echo ${mark.replace(/^([^:]*)/, '"$1"')}`;
}
