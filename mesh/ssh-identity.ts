/**
 * SSH keys that identify machines: the stack's authority, which signs host keys, and the host key that an EC2 instance
 * boots with. Both are derived from a seed in the config, so every run gives the same keys.
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import nacl from "tweetnacl";
import { decodeKey } from "./key-text";
import { Secret } from "./secret";

interface SshKeyPair {
  /** The text of an OpenSSH key file, without a passphrase. */
  privateKey: Secret;
  /** `ssh-ed25519 BASE64`, without a comment. */
  publicKey: string;
}

const KEY_TYPE = "ssh-ed25519";
const BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END = "-----END OPENSSH PRIVATE KEY-----";
/** Magic string of the key format with its final NUL (PROTOCOL.key of OpenSSH). */
const MAGIC = "openssh-key-v1\0";

/** The key pair that signs the host keys of the stack's EC2 instances. */
export function authorityOf(seed: Secret): SshKeyPair {
  return keyPairFrom(derive(seed, "wireguard-mesh ssh authority"), "wireguard-mesh authority");
}

/**
 * The host key in an instance's user data, valid only for the first login, because user data is not confidential.
 * `instanceName` is the instance's logical name, so a replacement boots with another key.
 */
export function bootstrapKeyOf(seed: Secret, instanceName: string): SshKeyPair {
  const bytes = derive(seed, `wireguard-mesh ssh bootstrap host key ${instanceName}`);
  return keyPairFrom(bytes, "wireguard-mesh bootstrap");
}

/** The principal in an instance's host certificate. A replacement has another one. */
export function principalOf(instanceId: string): string {
  return `wireguard-mesh-${instanceId}`;
}

/**
 * The public half, `TYPE BASE64`, of a private key of any type in OpenSSH's own format without a passphrase; null for
 * any other text. Throws for a sealed secret.
 */
export function publicKeyOfPrivate(privateKey: Secret): string | null {
  const bytes = unwrap(privateKey.reveal());
  if (bytes === null) return null;
  try {
    const fields = new Reader(bytes);
    if (fields.text(MAGIC.length) !== MAGIC || fields.string() !== "none") return null;
    // Name and options of the key derivation function, both unused without a passphrase.
    fields.string();
    fields.string();
    if (fields.uint32() !== 1) return null;
    const blob = fields.bytes(fields.uint32());
    return `${new Reader(blob).string()} ${base64(blob)}`;
  } catch {
    return null;
  }
}

/** HKDF-SHA256 (RFC 5869), as for preshared keys; each use of the seed has its own context. */
function derive(seed: Secret, context: string): Uint8Array {
  const bytes = decodeKey(seed.reveal());
  if (bytes === null) throw new Error("not 32 bytes in base64");
  return hkdf(sha256, bytes, undefined, new TextEncoder().encode(context), 32);
}

function keyPairFrom(seed: Uint8Array, comment: string): SshKeyPair {
  const { publicKey, secretKey } = nacl.sign.keyPair.fromSeed(seed);
  const blob = join(string(KEY_TYPE), string(publicKey));
  return {
    privateKey: Secret.of(keyFile(blob, publicKey, secretKey, comment)),
    publicKey: `${KEY_TYPE} ${base64(blob)}`,
  };
}

/** PROTOCOL.key of OpenSSH. The two check integers are zero: they only have to be equal, and random ones would change the text. */
function keyFile(
  blob: Uint8Array,
  publicKey: Uint8Array,
  secretKey: Uint8Array,
  comment: string,
): string {
  const open = join(
    ...[uint32(0), uint32(0)],
    ...[string(KEY_TYPE), string(publicKey), string(secretKey), string(comment)],
  );
  // Without encryption the block size is 8 bytes; padding bytes are 1, 2, 3, …
  const padding = Uint8Array.from({ length: -open.length & 7 }, (_, index) => index + 1);
  const file = join(
    ...[new TextEncoder().encode(MAGIC), string("none"), string("none"), string("")],
    ...[uint32(1), string(blob), string(join(open, padding))],
  );
  const lines = base64(file).match(/.{1,70}/g) ?? [];
  return [BEGIN, ...lines, END, ""].join("\n");
}

function unwrap(text: string): Uint8Array | null {
  const trimmed = text.trim();
  if (!trimmed.startsWith(BEGIN) || !trimmed.endsWith(END)) return null;
  const body = trimmed.slice(BEGIN.length, -END.length).replace(/\s+/g, "");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(body) || body.length % 4 !== 0) return null;
  return Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
}

/** Reads fields in sequence (RFC 4251, section 5); throws a RangeError at the end of the data. */
class Reader {
  private at = 0;

  constructor(private readonly data: Uint8Array) {}

  bytes(length: number): Uint8Array {
    if (this.at + length > this.data.length) throw new RangeError("cut short");
    this.at += length;
    return this.data.slice(this.at - length, this.at);
  }

  text(length: number): string {
    return new TextDecoder().decode(this.bytes(length));
  }

  uint32(): number {
    return new DataView(this.bytes(4).buffer).getUint32(0);
  }

  string(): string {
    return this.text(this.uint32());
  }
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function string(value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return join(uint32(bytes.length), bytes);
}

function join(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
