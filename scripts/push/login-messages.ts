/** Messages while a login takes long. */

/** `key`: as SshLog.signing. */
export function waitingForKey(key: string): string {
  const which = key === "" ? "your SSH key" : `your SSH key ${key}`;
  // Keys of type sk-* are in a FIDO token; others may be in a smartcard, or in an agent that asks.
  return /-SK /.test(key)
    ? `waits for ${which}: touch the token`
    : `waits for ${which}: confirm its use in the window of your SSH agent, or touch the token that holds it`;
}

export function waitingForSudo(): string {
  return "is let in, and waits for sudo there";
}

/** A warning if sudo was slow because the host cannot resolve its own name; else null. */
export function unresolvedName(words: string, seconds: number): string | null {
  const name = /unable to resolve host ([A-Za-z0-9._-]+)/.exec(words)?.[1];
  if (name === undefined || seconds < 3) return null;
  return `sudo took ${seconds} s there, for the host's own name ${name} does not resolve. ${resolveRemedy(name)}`;
}

/** Run there as root. */
export function resolveRemedy(name: string): string {
  return `On that machine: echo "127.0.1.1 ${name}" | sudo tee -a /etc/hosts`;
}
