/** WireGuard keys: Curve25519, 32 bytes, written as 44 characters of base64 (wg(8), genkey, pubkey, genpsk). */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import nacl from "tweetnacl";
import { Secret } from "./secret";

const KEY_BYTES = 32;

/** Reports whether wg(8) accepts `text` as a key: canonical base64 of 32 bytes. */
export function isKey(text: string): boolean {
  return decodeKey(text) !== null;
}

/** The 32 bytes of a base64 key, or null if wg(8) would reject the text. */
export function decodeKey(text: string): Uint8Array | null {
  // 43 digits carry 258 bits. wg rejects a key unless the last two are zero.
  if (!/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text)) return null;
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Encodes 32 bytes as `wg genkey` prints them. */
export function encodeKey(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** The public key of a private key, as `wg pubkey` prints it. Throws unless the secret holds a valid key. */
export function publicKeyOf(privateKey: Secret): string {
  return encodeKey(nacl.scalarMult.base(bytesOf(privateKey)));
}

/**
 * Makes a private key from 32 random bytes, clamped as `wg genkey` does (RFC 7748, section 5). The bytes are an argument
 * because mesh/ has no source of randomness.
 */
export function privateKeyFrom(random: Uint8Array): Secret {
  const bytes = Uint8Array.from(random);
  bytes[0] = (bytes[0] ?? 0) & 248;
  bytes[31] = ((bytes[31] ?? 0) & 127) | 64;
  return Secret.of(encodeKey(bytes));
}

/**
 * Derives the preshared key of the link between two public keys: HKDF-SHA256 (RFC 5869) of the seed, with the sorted
 * pair as context. It is the same for both ends and changes when either public key does.
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
