/** An invalid config value: thrown by the parsers of single values, caught where the path is known. */

/** `message` is what is wrong, `remedy` what to write or to run instead. Neither contains a secret. */
export class Mistake extends Error {
  constructor(
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}

/**
 * Quotes a config value for a message. It is shortened; characters outside printable ASCII become `?`, and anything that
 * looks like a key (base64, hex, base64url or URL-encoded) becomes `(hidden)`, in case it is a misplaced private key.
 */
export function quote(text: string): string {
  const printable = text
    .replace(/[^\x20-\x7e]/g, "?")
    .replace(/[A-Za-z0-9+/_%-]{40,}=*/g, "(hidden)");
  return JSON.stringify(printable.length > 64 ? `${printable.slice(0, 64)}...` : printable);
}
