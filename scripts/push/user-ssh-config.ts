/**
 * The user's ssh_config for a hop, without its keys. No option can remove them, since each IdentityFile line adds to a list
 * (ssh_config(5)). So `ssh -G` prints the settings, and the wanted ones are passed as options.
 */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { SshHop } from "../../mesh/push-request";
import { exitWithin, startGroup, type GroupWatcher } from "./children";
import { sshEnvironment } from "./environment";
import { SSH_QUERY_MS } from "./limits";
import { destination, shellWord } from "./ssh-options";

/** Settings to take over: how the machine is reached, and algorithms. */
const KEPT =
  /^(hostname|addressfamily|bindaddress|bindinterface|proxycommand|proxyusefdpass|tcpkeepalive|ipqos|compression|ciphers|macs|kexalgorithms|pubkeyacceptedalgorithms|pubkeyacceptedkeytypes|casignaturealgorithms|requiredrsasize)$/;

const KEYS = /^\s*(IdentityFile|CertificateFile|PKCS11Provider)\b/im;
const MORE_FILES = /^\s*Include\s+(?!\/etc\/ssh\/ssh_config\.d\/\*\.conf\s*$)/im;

/** False if ssh_config certainly names no key. `home`: ssh reads passwd(5), not $HOME. */
export function mayNameKeys(home: string = os.userInfo().homedir, etc = "/etc/ssh"): boolean {
  if (fs.existsSync(path.join(home, ".ssh/config"))) return true;
  const folder = path.join(etc, "ssh_config.d");
  const parts = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  const files = [path.join(etc, "ssh_config"), ...parts.map((name) => path.join(folder, name))];
  const texts = files.map((file) => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : ""));
  return texts.some((text) => KEYS.test(text) || MORE_FILES.test(text));
}

/**
 * ssh arguments that replace ssh_config for one hop. Null if ssh cannot read it; the login then shows the error.
 * `isFirst`: this machine connects to it, through a proxy of ssh_config if it has one. `more`: for tests.
 */
export async function keylessOptions(
  hop: SshHop,
  isFirst: boolean,
  watcher?: GroupWatcher,
  more: string[] = [],
): Promise<string[] | null> {
  const settings = await sshConfigOf([...more, ...destination(hop)], watcher);
  if (settings === null) return null;
  const options = settings
    .split("\n")
    .flatMap(proxyCommand)
    .filter((line) => KEPT.test(keyOf(line)) && (isFirst || !keyOf(line).startsWith("proxy")));
  return [...["-F", "none"], ...options.flatMap((line) => ["-o", line.replace(" ", "=")])];
}

function keyOf(line: string): string {
  return line.split(" ", 1)[0] ?? "";
}

/**
 * Converts `proxyjump [MORE,][USER@]HOST[:PORT]` to a proxycommand as ssh does (ssh.c), but without `-F none`: the user's jump
 * uses the user's config and keys. Other lines are unchanged.
 */
function proxyCommand(line: string): string[] {
  const match =
    /^proxyjump (?:(\S+),)?(?:([^\s,]+)@)?(?:\[([^\s,\]]+)\]|([^\s,[\]:]+))(?::(\d+))?$/.exec(line);
  if (match === null) return line === "proxycommand none" ? [] : [line];
  const [, before, user, numeric, name, port] = match;
  const words = [
    ...(before === undefined ? [] : ["-J", before]),
    ...(user === undefined ? [] : ["-l", user]),
    ...(port === undefined ? [] : ["-p", port]),
  ];
  const quoted = [...words, "--", numeric ?? name ?? ""].map((word) =>
    shellWord(word).replaceAll("%", "%%"),
  );
  return [`proxycommand ssh -W '[%h]:%p' ${quoted.join(" ")}`];
}

async function sshConfigOf(args: string[], watcher?: GroupWatcher): Promise<string | null> {
  const child = startGroup(
    ["ssh", "-G", "-T", "-o", "IgnoreUnknown=*", ...args],
    sshEnvironment(),
    watcher,
  );
  child.stdin.end();
  child.stderr.resume();
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  // A `Match exec` in the user's config may hang.
  return (await exitWithin(child, SSH_QUERY_MS)) === 0 ? text : null;
}
