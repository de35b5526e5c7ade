/** Private keys on a model host. */
import { publicKeyByNode } from "../../../support/key-pairs";
import type { Host } from "./host";

/** The private keys in files of the host. */
export function ownKeys(host: Host): string[] {
  const configs = [...host.files].filter(([path]) => path.startsWith("/etc/wireguard/"));
  const inFiles = configs.flatMap(([, text]) => /^PrivateKey = (.+)$/m.exec(text)?.[1] ?? []);
  return [...inFiles, ...(host.files.get(OWN_KEYS) ?? "").split("\n").filter((it) => it !== "")];
}

export const OWN_KEYS = "/var/lib/wireguard-mesh/wg0/own-keys";

const publicKeys = new Map<string, string>();

export function publicKeyOf(privateKey: string): string {
  const known = publicKeys.get(privateKey) ?? publicKeyByNode(Buffer.from(privateKey, "base64"));
  publicKeys.set(privateKey, known);
  return known;
}

export function ownKey(host: Host, publicKey: string): string {
  const found = ownKeys(host).find((key) => publicKeyOf(key) === publicKey);
  if (found === undefined) throw new Error(`no private key for ${publicKey}`);
  return found;
}
