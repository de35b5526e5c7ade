/** WireGuard key pairs: a fixed pool, and random ones. */
import { createHash, createPrivateKey, createPublicKey, randomBytes } from "node:crypto";

export interface PlainKeyPair {
  privateKey: string;
  publicKey: string;
}

/** The same pairs in every run, from node:crypto and independent of mesh/keys.ts. */
export const keyPairs: readonly PlainKeyPair[] = Array.from({ length: 24 }, (_, at) => keyPair(at));

export function keyPair(at: number): PlainKeyPair {
  return keyPairFrom(createHash("sha256").update(`key pair ${at}`).digest());
}

/** A random key pair. */
export function newKeyPair(): PlainKeyPair {
  return keyPairFrom(randomBytes(32));
}

function keyPairFrom(seed: Buffer): PlainKeyPair {
  // Clamped like `wg genkey`, because wg shows every key in this form.
  seed[0] = (seed[0] ?? 0) & 248;
  seed[31] = ((seed[31] ?? 0) & 127) | 64;
  return { privateKey: seed.toString("base64"), publicKey: publicKeyByNode(seed) };
}

/** The public key according to node:crypto, as base64. */
export function publicKeyByNode(privateKey: Buffer): string {
  // node:crypto takes raw X25519 keys only as PKCS #8 with OID 1.3.101.110 (RFC 8410).
  const der = Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), privateKey]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return spki.subarray(-32).toString("base64");
}

/** A well-formed SSH host key line, different for each number. */
export function hostKeyLine(at: number): string {
  const blob = Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from("ssh-ed25519"),
    Buffer.from([0, 0, 0, 32]),
    createHash("sha256").update(`host key ${at}`).digest(),
  ]);
  return `ssh-ed25519 ${blob.toString("base64")}`;
}
