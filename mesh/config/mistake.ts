/** What is wrong with one value of the config: thrown by the parsers of single values, caught where the path is known. */

/** `message` says what is wrong in the user's words, `remedy` what to write or to run instead. Neither holds a secret. */
export class Mistake extends Error {
  constructor(
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}

/**
 * Quotes what was written: shortened, without anything that could move a terminal's cursor or pass for another
 * letter, and without anything that looks like a key (base64, hex, base64url or URL-encoded), since a private key may
 * have been put in the wrong place.
 */
export function quote(text: string): string {
  const printable = text
    .replace(/[^\x20-\x7e]/g, "?")
    .replace(/[A-Za-z0-9+/_%-]{40,}=*/g, "(hidden)");
  return JSON.stringify(printable.length > 64 ? `${printable.slice(0, 64)}...` : printable);
}
