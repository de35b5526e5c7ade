/** Explains why an authenticated login did not end in a root shell. */
import { LOGIN_AS_OTHER } from "./greeting";
import { quoted } from "./printable";
import { resolveRemedy } from "./login-messages";
import { ROOT_MS, MESSAGES_CAP } from "./limits";
import { readSshLog } from "./ssh-log";
import type { Failure, FailedAttempt } from "./ssh-failure";
import { byHand, formatHop } from "./ssh-options";

/** For logins that were authenticated, or on this machine. */
export function explainAfterLogin(login: FailedAttempt): Failure {
  if (login.isTooMuch) return tooMuch(login);
  return login.step === "root" ? withoutRoot(login) : withoutShell(login);
}

function tooMuch(login: FailedAttempt): Failure {
  return {
    kind: "no-shell",
    cause: `${whoIsIn(login)}what runs there at login printed more than ${MESSAGES_CAP >> 10} KB before our command${quoted(login.output)}`,
    remedy: `Look what it is: ${byHand(login.chain)} true | head. Usually a start-up file of the shell (~/.bashrc, ~/.profile) has a loop.`,
  };
}

/** Something else ran: a forced command, a login shell that is no shell, or a start-up file. */
function withoutShell(login: FailedAttempt): Failure {
  const { user } = last(login);
  const failure = (what: string, remedy: string): Failure => ({
    kind: "no-shell",
    cause: `${whoIsIn(login)}${what}${quoted(login.output)}`,
    remedy,
  });
  const other = LOGIN_AS_OTHER.exec(login.output)?.[1];
  if (other !== undefined) {
    const there = formatHop({ ...last(login), user: other });
    return failure(
      `only to be told to log in as ${other}`,
      `Log in as ${other}: in the stack config, host of ${login.node}: ${there}. Images of clouds let it become root by sudo.`,
    );
  }
  if (readSshLog(login.logTexts.at(-1) ?? "").isForced) {
    return failure(
      "authorized_keys there has a command of its own for this key, which ran in place of ours",
      `Take command="…" off the line of this key in ~${user}/.ssh/authorized_keys there, or log in with another key.`,
    );
  }
  if (/account is currently not available|nologin|not available for login/i.test(login.output)) {
    return failure(
      "it may not work there: its login shell ends at once",
      `Give it a shell: sudo usermod -s /bin/sh ${user} on that machine; or name a user who has one in the stack config.`,
    );
  }
  const { gaveUpAfterS: seconds, exitCode } = login;
  const how =
    seconds === null
      ? `ended with code ${exitCode ?? "none"}, and did not run our command`
      : `did not run our command within ${seconds} s`;
  return failure(
    `its login shell ${how}`,
    `Does a start-up file of the shell (~/.bashrc, ~/.zshenv, ~/.config/fish) read input, or start another program? Let it do so ` +
      `for people only, by a first line: case $- in *i*) ;; *) return ;; esac. Or the shell is none for commands ` +
      `(sudo usermod -s /bin/sh ${user}). This has to print nothing but "ok": ${byHand(login.chain)} echo ok`,
  );
}

function withoutRoot(login: FailedAttempt): Failure {
  const { output, exitCode, gaveUpAfterS } = login;
  const failure = (what: string, remedy: string): Failure => ({
    kind: "no-root",
    cause: `${whoIsIn(login)}${what}${quoted(output)}`,
    remedy,
  });
  const where = login.chain.length === 0 ? "on this machine" : "on that machine";
  const user = login.chain.at(-1)?.user ?? '"$(id -un)"';
  const grant = `"${userIn(login)} ALL=(root) NOPASSWD: ALL"`;
  if (gaveUpAfterS !== null) {
    return failure(
      `sudo there has not answered within ${ROOT_MS / 1000} s`,
      `Usually the host's own name does not resolve. ${resolveRemedy("$(hostname)")}. Else a directory service is slow: sudo -n true there shows it.`,
    );
  }
  if (exitCode === 127 || /sudo: .*not found/.test(output)) {
    return failure(
      "cannot become root, for there is no sudo",
      `Log in as root; or install sudo, and ${where} as root: echo ${grant} > /etc/sudoers.d/wireguard-mesh`,
    );
  }
  if (/must have a tty/.test(output)) {
    return failure(
      "sudo wants a terminal there (requiretty), which a push has not",
      `As a user who may, ${where}: printf 'Defaults:%s !requiretty\\n%s ALL=(root) NOPASSWD: ALL\\n' ${user} ${user} | sudo tee /etc/sudoers.d/wireguard-mesh`,
    );
  }
  const needsPassword = /password is required|terminal is required|authentication is required/.test(
    output,
  );
  return failure(
    needsPassword
      ? "may not become root without a password"
      : `may not become root: sudo ended with code ${exitCode ?? "none"}`,
    `As a user who may, ${where}: echo ${grant} | sudo tee /etc/sudoers.d/wireguard-mesh`,
  );
}

function whoIsIn({ chain }: FailedAttempt): string {
  const user = chain.at(-1)?.user;
  return user === undefined ? "your user here " : `${user} is let in, but `;
}

function userIn({ chain }: FailedAttempt): string {
  return chain.at(-1)?.user ?? "$(id -un)";
}

function last({ chain }: FailedAttempt) {
  return (
    chain.at(-1) ?? { user: "", address: "this machine", port: 22, hostKeys: [], authority: null }
  );
}
