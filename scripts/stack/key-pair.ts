/** A new key pair, as `wg genkey` and `wg pubkey` make it. */
import { randomBytes } from "node:crypto";
import { encodeKey, privateKeyFrom, publicKeyOf } from "../../mesh/keys";
import { Secret } from "../../mesh/secret";

export interface KeyPair {
  privateKey: Secret;
  publicKey: string;
}

export function makeKeyPair(): KeyPair {
  const privateKey = privateKeyFrom(randomBytes(32));
  return { privateKey, publicKey: publicKeyOf(privateKey) };
}

/** What presharedKeySeed is: 32 random bytes in base64, as `wg genpsk` prints them. */
export function makeSeed(): Secret {
  return Secret.of(encodeKey(randomBytes(32)));
}
