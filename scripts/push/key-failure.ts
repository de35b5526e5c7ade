/** Explains why an SSH server did not accept the user's key. */
import { printable } from "./printable";
import { TOUCH_MS } from "./limits";
import type { Failure, Place } from "./ssh-failure";
import { byHand, formatHop } from "./ssh-options";

/** The server accepts the key, but there was no signature. */
export function unsigned({ hop }: Place, key: string): Failure {
  return {
    kind: "denied",
    cause: `${formatHop(hop)} accepts your SSH key${key === "" ? "" : ` ${key}`}, but nobody confirmed its use within ${TOUCH_MS / 1000} s`,
    remedy:
      "Run `npx wireguard-mesh up` again, and touch the token that holds the key, or confirm in the window of your SSH agent, " +
      "each time it asks: a push logs in twice. Or set a key that needs no confirmation as wireguard-mesh:sshPrivateKey.",
  };
}

/** sshd_config(5), MaxAuthTries: six by default, and each key of the agent counts. */
export function tooManyKeys(_match: RegExpExecArray, { hop, log }: Place): Failure {
  return {
    kind: "denied",
    cause: `${formatHop(hop)} closed the connection after ${log.offered} SSH keys, before the right one came`,
    remedy:
      `Say in ~/.ssh/config which one it is: Host ${hop.address}, and below it IdentitiesOnly yes and ` +
      "IdentityFile ~/.ssh/KEY (KEY.pub where only the agent has the private half); or set wireguard-mesh:sshPrivateKey.",
  };
}

export function deniedFailure(_match: RegExpExecArray, { hop, log, login }: Place): Failure {
  const unsignedWhy = /signing failed for .*: (.*)/.exec(log.words)?.[1];
  if (unsignedWhy !== undefined) {
    return {
      kind: "denied",
      cause: `${formatHop(hop)} accepts one of your SSH keys, but it could not be used (${printable(unsignedWhy)})`,
      remedy: `Your SSH agent refused to sign, or the token is not there: unlock it, plug it in or confirm there, then try ${byHand(login.chain)}`,
    };
  }
  return {
    kind: "denied",
    cause: `${formatHop(hop)} accepts none of the SSH keys that were offered`,
    remedy:
      `Is the public key in ~/.ssh/authorized_keys of ${hop.user} there, and does \`ssh-add -l\` list it here ` +
      `(or is it the one in wireguard-mesh:sshPrivateKey)? Try: ${byHand(login.chain)}`,
  };
}
