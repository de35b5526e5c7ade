/**
 * Encrypts config values like Pulumi's passphrase secrets provider, with a single key derivation. Without putting
 * secrets on a command line, the CLI encrypts one per run, and a run takes half a second: too slow for dozens of hosts.
 * Format: pulumi/sdk/go/common/resource/config/crypt.go (NewSymmetricCrypterFromPassphrase).
 */
import * as crypto from "node:crypto";
import { promisify } from "node:util";

const ITERATIONS = 1_000_000;
const KEY_BYTES = 32;
const SALT_BYTES = 8;
const NONCE_BYTES = 12;

export interface Crypter {
  /** The stack file's `encryptionsalt`: the salt, and a known encrypted text that verifies the passphrase. */
  encryptionSalt: string;
  /** Returns the value as it is written in the stack file. */
  encrypt: (plain: string) => { secure: string };
}

/** Creates the crypter of a new stack, with a new salt. */
export async function createCrypter(passphrase: string): Promise<Crypter> {
  const salt = crypto.randomBytes(SALT_BYTES);
  const derive = promisify(crypto.pbkdf2);
  const key = await derive(passphrase, salt, ITERATIONS, KEY_BYTES, "sha256");
  return {
    encryptionSalt: `v1:${salt.toString("base64")}:${encrypt(key, "pulumi")}`,
    encrypt: (plain) => ({ secure: encrypt(key, plain) }),
  };
}

function encrypt(key: Buffer, plain: string): string {
  const nonce = crypto.randomBytes(NONCE_BYTES);
  const cipher = crypto.createCipheriv("aes-256-gcm", key, nonce);
  const text = Buffer.concat([cipher.update(plain, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return `v1:${nonce.toString("base64")}:${text.toString("base64")}`;
}
