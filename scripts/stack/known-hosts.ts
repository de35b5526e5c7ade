/** The SSH host keys that the user has accepted before, from OpenSSH's known_hosts; never fetched over the network. */
import { execFile } from "node:child_process";
import type { Host } from "../../mesh/config/config";
import { parseHost, parseHostKey } from "../../mesh/config/values";
import { Failure } from "./failure";

/** Keys as `TYPE BASE64`. */
type FindKnownHost = (address: string, port: number) => Promise<string[]>;

/**
 * The host keys for a node: the given ones, else those in known_hosts for its first SSH address that has any; undefined for this
 * machine, which needs none. Logs which keys were taken from known_hosts.
 * @throws Failure where no key is known.
 */
export async function hostKeysFor(
  hosts: readonly string[],
  given: readonly string[] | undefined,
  log: (text: string) => void,
  find: FindKnownHost = findKnownHost,
): Promise<string[] | undefined> {
  if (given !== undefined) return given.map(parseHostKey);
  const parsed = hosts.map(parseHost);
  if (parsed.every((host) => host.kind === "local")) return undefined;
  for (const host of parsed) {
    if (host.kind !== "ssh") continue;
    const keys = preferred(await find(host.address, host.port));
    if (keys.length === 0) continue;
    const types = keys.map((key) => key.split(" ")[0] ?? "").join(", ");
    log(`host key of ${host.address}: ${types}, from your known_hosts`);
    return keys;
  }
  throw unknownHostKey(parsed);
}

/** Suggests `ssh`, which adds the key to known_hosts, unless the host is reached through a relay. */
function unknownHostKey(hosts: readonly Host[]): Failure {
  const direct = hosts.find((host) => host.kind === "ssh");
  const show = "cat /etc/ssh/ssh_host_ed25519_key.pub";
  if (direct === undefined)
    return new Failure(
      "the machine's SSH host key is not known",
      `run this on the machine, in a session that you trust, and give its output as --host-key:\n  ${show}`,
    );
  const { user, address, port } = direct;
  const ssh = `ssh ${port === 22 ? "" : `-p ${port} `}${user}@${address}`;
  return new Failure(
    `the SSH host key of ${address} is not known: none was given, and your known_hosts has none for it`,
    `ssh there once, compare the fingerprint, and run this again: ${ssh}\n  Or give the key as --host-key; on the machine: ${show}`,
  );
}

/** Only the Ed25519 key if there is one: OpenSSH prefers it, and it is short. */
function preferred(keys: string[]): string[] {
  const ed25519 = keys.filter((key) => key.startsWith("ssh-ed25519 "));
  return ed25519.length > 0 ? ed25519 : keys;
}

/** ssh-keygen(1), -F: finds hashed names too, in ~/.ssh/known_hosts unless -f names another file. */
async function findKnownHost(address: string, port: number): Promise<string[]> {
  const name = port === 22 ? address : `[${address}]:${port}`;
  const found = await Promise.all([
    sshKeygen(["-F", name]),
    sshKeygen(["-F", name, "-f", "/etc/ssh/ssh_known_hosts"]),
  ]);
  return [...new Set(found.flatMap((text) => text.split("\n")).flatMap(hostKeyIn))];
}

/** Empty for comments (#) and for lines with a marker (@cert-authority, @revoked). */
function hostKeyIn(line: string): string[] {
  const [names = "", type, key] = line.trim().split(/\s+/);
  if (names === "" || /^[#@]/.test(names) || type === undefined || key === undefined) return [];
  return [`${type} ${key}`];
}

function sshKeygen(args: string[]): Promise<string> {
  return new Promise((resolve) => {
    // Exit code 1 means "not found"; without OpenSSH no key is known either.
    execFile("ssh-keygen", args, { timeout: 10_000 }, (_, stdout) => {
      resolve(stdout);
    });
  });
}
