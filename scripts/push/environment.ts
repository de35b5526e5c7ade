/** Which variables of our own environment the programs that we start are given. */

/** Messages in English, and no questions to a terminal or in a window. ssh starts a ProxyCommand by $SHELL. */
const QUIET = { LC_ALL: "C", SHELL: "/bin/sh", SSH_ASKPASS_REQUIRE: "never", DISPLAY: undefined };

/** What a program needs that reads no settings of the user's own: where programs are, and the way to a package server. */
const PLAIN = /^(PATH|HOME|USER|LOGNAME|TMPDIR|TERM|([a-z]+_proxy)|([A-Z]+_PROXY))$/;

/**
 * For ssh. Under it run the programs of the user's own ssh_config (`ProxyCommand aws ssm start-session …`), with the same
 * agent, tokens and proxies as when the user types the command. Nothing of the engine's: its passphrase and its whole
 * configuration are in variables, and are no business of any program under ssh.
 */
export function sshEnvironment(own: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return { ...keep(own, (name) => !name.startsWith("PULUMI_")), ...QUIET };
}

/** For a session of the user's own, in the user's own language; nothing of the engine's either. */
export function sessionEnvironment(own: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return keep(own, (name) => !name.startsWith("PULUMI_"));
}

/**
 * For every other program: few variables, by name. On this very machine a daemon (wireguard-go) may inherit them and show
 * them in /proc for months.
 */
export function plainEnvironment(own: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return { ...keep(own, (name) => PLAIN.test(name)), ...QUIET };
}

function keep(own: NodeJS.ProcessEnv, isKept: (name: string) => boolean): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(own).filter(([name]) => isKept(name)));
}
