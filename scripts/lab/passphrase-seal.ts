/**
 * Encrypts config values as Pulumi's passphrase provider does, all with one derivation of the key. The CLI can do no
 * more than one secret a run without showing it in a command line, and each run costs half a second: too much for
 * dozens of hosts. The engine that decrypts them is the real one.
 * Format: pulumi/sdk/go/common/resource/config/crypt.go (NewSymmetricCrypterFromPassphrase).
 */
import * as crypto from "node:crypto";
import { promisify } from "node:util";

const ITERATIONS = 1_000_000;
const KEY_BYTES = 32;
const SALT_BYTES = 8;
const NONCE_BYTES = 12;

export interface Seal {
  /** The stack file's `encryptionsalt`: the salt, and a known text by which the engine checks the passphrase. */
  encryptionSalt: string;
  /** A config value as it stands in the stack file. */
  seal: (plain: string) => { secure: string };
}

/** Derives the key of a new stack from its passphrase. */
export async function sealWith(passphrase: string): Promise<Seal> {
  const salt = crypto.randomBytes(SALT_BYTES);
  const derive = promisify(crypto.pbkdf2);
  const key = await derive(passphrase, salt, ITERATIONS, KEY_BYTES, "sha256");
  return {
    encryptionSalt: `v1:${salt.toString("base64")}:${encrypt(key, "pulumi")}`,
    seal: (plain) => ({ secure: encrypt(key, plain) }),
  };
}

function encrypt(key: Buffer, plain: string): string {
  const nonce = crypto.randomBytes(NONCE_BYTES);
  const cipher = crypto.createCipheriv("aes-256-gcm", key, nonce);
  const text = Buffer.concat([cipher.update(plain, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return `v1:${nonce.toString("base64")}:${text.toString("base64")}`;
}
