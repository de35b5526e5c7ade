/** The environment of child processes. */

/** English messages, and no prompts. ssh runs a ProxyCommand with $SHELL. */
const QUIET = { LC_ALL: "C", SHELL: "/bin/sh", SSH_ASKPASS_REQUIRE: "never", DISPLAY: undefined };

/** For programs that need no user settings: search path, locations and proxies. */
const PLAIN = /^(PATH|HOME|USER|LOGNAME|TMPDIR|TERM|([a-z]+_proxy)|([A-Z]+_PROXY))$/;

/**
 * For ssh. A ProxyCommand of the user (`aws ssm start-session …`) needs the user's agent, tokens and proxies. The engine's
 * variables are left out: they hold its passphrase and the whole configuration.
 */
export function sshEnvironment(own: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return { ...keep(own, (name) => !name.startsWith("PULUMI_")), ...QUIET };
}

/** For an interactive session: the user's language, and no variables of the engine. */
export function sessionEnvironment(own: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return keep(own, (name) => !name.startsWith("PULUMI_"));
}

/**
 * For every other program: an allowlist, because a daemon on this machine (wireguard-go) may inherit the variables and show
 * them in /proc for months.
 */
export function plainEnvironment(own: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return { ...keep(own, (name) => PLAIN.test(name)), ...QUIET };
}

function keep(own: NodeJS.ProcessEnv, isKept: (name: string) => boolean): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(own).filter(([name]) => isKept(name)));
}
