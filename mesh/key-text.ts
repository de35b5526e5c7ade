/** The text of a WireGuard key: 44 characters of base64 for 32 bytes (wg(8), genkey, pubkey, genpsk). */

/** 43 digits carry 258 bits. wg rejects a key unless the last two are zero. */
export const KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** Reports whether wg(8) accepts `text` as a key: canonical base64 of 32 bytes. */
export function isKey(text: string): boolean {
  return decodeKey(text) !== null;
}

/** The 32 bytes of a base64 key, or null if wg(8) would reject the text. */
export function decodeKey(text: string): Uint8Array | null {
  if (!KEY.test(text)) return null;
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Encodes 32 bytes as `wg genkey` prints them. */
export function encodeKey(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** A private key in PKCS #8, DER (RFC 8410, section 7), for libraries that need that format. Null for an invalid key. */
export function pkcs8Of(privateKey: string): Uint8Array | null {
  const bytes = decodeKey(privateKey);
  return bytes === null ? null : Uint8Array.from([...PKCS8_X25519, ...bytes]);
}

/** The DER header before the 32 bytes. */
const PKCS8_X25519 = [48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 110, 4, 34, 4, 32];
