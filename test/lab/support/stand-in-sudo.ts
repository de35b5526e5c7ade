/** A sudo for hosts of the lab, since minimal Debian systems have none: it runs commands as root, with the messages of sudo 1.9.13. */
import type { HostSession } from "./host-protocol";

/** bash with the set-user-ID bit; as the interpreter of a script it keeps root's rights with -p. */
const ROOT_BASH = "/usr/local/lib/stand-in-sudo";

/** It checks /etc/sudoers.d, requiretty, and whether the host's own name is in /etc/hosts. */
function script(language: string): string {
  return `#!${ROOT_BASH} -p
[ "$1" = -n ] && shift
refuse() {
  [ "${language}" = C ] || shift
  echo "sudo: $1" >&2
  exit 1
}
rules=$(cat /etc/sudoers.d/* 2>/dev/null)
if ! grep -qw "$(hostname)" /etc/hosts; then
  sleep 12
  echo "sudo: unable to resolve host $(hostname): Temporary failure in name resolution" >&2
fi
case $rules in
  *"Defaults:$USER !requiretty"*) ;;
  *"Defaults requiretty"*) refuse "sorry, you must have a tty to run sudo" "man benötigt ein Terminal für sudo" ;;
esac
case $rules in
  *"$USER ALL=(root) NOPASSWD: ALL"*) ;;
  *) refuse "a password is required" "Ein Passwort ist notwendig" ;;
esac
exec setpriv --reuid 0 --regid 0 --clear-groups -- "$@"
`;
}

/**
 * Installs it on the host, without a rule that allows anything. `language`: that of its messages, whatever the environment
 * (any other than C is German).
 */
export async function installSudo(host: HostSession, language = "$LC_ALL"): Promise<void> {
  await host.run(
    `cp "$(command -v bash)" ${ROOT_BASH} && chmod 4755 ${ROOT_BASH} && mkdir -p /etc/sudoers.d && rm -f /etc/sudoers.d/*`,
  );
  const text = script(language);
  await host.run(`cat >/usr/bin/sudo <<'END'\n${text}END\nchmod 755 /usr/bin/sudo`);
}
