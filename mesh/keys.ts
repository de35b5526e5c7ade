/** WireGuard keys: Curve25519, 32 bytes; the preshared key of a link. */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import nacl from "tweetnacl";
import { decodeKey, encodeKey } from "./key-text";
import { Secret } from "./secret";

const KEY_BYTES = 32;

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
