/** The host keys that the user has already accepted for a machine: OpenSSH's own record, never the network. */
import { execFile } from "node:child_process";
import { parseHost, parseHostKey } from "../../mesh/config/values";
import { Failure } from "./failure";

/** Keys as `TYPE BASE64`. */
export type FindKnownHost = (address: string, port: number) => Promise<string[]>;

/**
 * The host keys for a node: those given, else the known ones of its first SSH address. Undefined where no way onto the
 * machine needs one. `say` hears where a key came from; a Failure names the command to run where none is known.
 */
export async function hostKeysFor(
  hosts: readonly string[],
  given: readonly string[] | undefined,
  say: (text: string) => void,
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
    say(`host key of ${host.address}: ${types}, from your known_hosts`);
    return keys;
  }
  throw new Failure(
    "the machine's SSH host key is not known: none was given, and your known_hosts has none for it",
    "run this on the machine, in a session that you trust, and give what it prints as --host-key:\n  cat /etc/ssh/ssh_host_ed25519_key.pub",
  );
}

/** Ed25519 alone where there is one: it is what OpenSSH would choose, and a short line. */
function preferred(keys: string[]): string[] {
  const ed25519 = keys.filter((key) => key.startsWith("ssh-ed25519 "));
  return ed25519.length > 0 ? ed25519 : keys;
}

/** ssh-keygen(1), -F: it knows hashed names, and looks into ~/.ssh/known_hosts; /etc/ssh's is asked too. */
async function findKnownHost(address: string, port: number): Promise<string[]> {
  const name = port === 22 ? address : `[${address}]:${port}`;
  const found = await Promise.all([
    sshKeygen(["-F", name]),
    sshKeygen(["-F", name, "-f", "/etc/ssh/ssh_known_hosts"]),
  ]);
  return [...new Set(found.flatMap((text) => text.split("\n")).flatMap(keyOf))];
}

/** Lines with a marker (@cert-authority, @revoked) are no plain host keys; # starts a comment. */
function keyOf(line: string): string[] {
  const [names = "", type, key] = line.trim().split(/\s+/);
  if (names === "" || /^[#@]/.test(names) || type === undefined || key === undefined) return [];
  return [`${type} ${key}`];
}

function sshKeygen(args: string[]): Promise<string> {
  return new Promise((resolve) => {
    // Exit code 1 is "not found"; without OpenSSH nothing is known either, and the answer is the same.
    execFile("ssh-keygen", args, { timeout: 10_000 }, (_, stdout) => {
      resolve(stdout);
    });
  });
}
