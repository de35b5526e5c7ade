/** WireGuard keys: Curve25519, 32 bytes, written as 44 characters of base64 (wg(8), genkey, pubkey, genpsk). */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import nacl from "tweetnacl";
import { Secret } from "./secret";

const KEY_BYTES = 32;

/** Reports whether `text` is a key as wg(8) takes it: canonical base64 of 32 bytes. */
export function isKey(text: string): boolean {
  return decodeKey(text) !== null;
}

/** The 32 bytes of a base64 key, or null where wg(8) would refuse the text. */
export function decodeKey(text: string): Uint8Array | null {
  // 43 digits carry 258 bits: the last two must be zero, or wg says "Key is not the correct length or format".
  if (!/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text)) return null;
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Base64 of 32 bytes, as `wg genkey` prints it. */
export function encodeKey(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** What `wg pubkey` prints for this private key. The secret must hold a valid key. */
export function publicKeyOf(privateKey: Secret): string {
  return encodeKey(nacl.scalarMult.base(bytesOf(privateKey)));
}

/**
 * A private key from 32 random bytes, clamped as `wg genkey` does (RFC 7748, section 5): the caller brings the
 * randomness, because mesh/ has none.
 */
export function privateKeyFrom(random: Uint8Array): Secret {
  const bytes = Uint8Array.from(random);
  bytes[0] = (bytes[0] ?? 0) & 248;
  bytes[31] = ((bytes[31] ?? 0) & 127) | 64;
  return Secret.of(encodeKey(bytes));
}

/**
 * The preshared key of the link between two public keys. Both ends derive the same one, no link can lack one, and it
 * turns over with either key. HKDF-SHA256 (RFC 5869) over the seed, the ordered pair of keys as context.
 */
export function presharedKeyOf(seed: Secret, publicKeyA: string, publicKeyB: string): Secret {
  const pair = [publicKeyA, publicKeyB].sort().join(" ");
  const context = new TextEncoder().encode(`wireguard-mesh preshared key ${pair}`);
  return Secret.of(encodeKey(hkdf(sha256, bytesOf(seed), undefined, context, KEY_BYTES)));
}

function bytesOf(key: Secret): Uint8Array {
  const bytes = decodeKey(key.reveal());
  if (bytes === null) throw new Error("not a WireGuard key");
  return bytes;
}
