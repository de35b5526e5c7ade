/**
 * What the user's ssh_config says of a machine, without the keys that it names. They cannot be taken off by an option: each
 * IdentityFile line adds to the list (ssh_config(5)). So ssh is asked for the whole, and told the part that is wanted.
 */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { SshHop } from "../../mesh/push-request";
import { startGroup, type GroupWatcher } from "./children";
import { sshEnvironment } from "./environment";
import { SSH_QUERY_MS } from "./limits";
import { destination, shellWord } from "./ssh-options";

/** How a machine is reached, and by which algorithms. What else there is, our own options say. */
const KEPT =
  /^(hostname|addressfamily|bindaddress|bindinterface|proxycommand|proxyusefdpass|tcpkeepalive|ipqos|compression|ciphers|macs|kexalgorithms|pubkeyacceptedalgorithms|pubkeyacceptedkeytypes|casignaturealgorithms|requiredrsasize)$/;

const KEYS = /^\s*(IdentityFile|CertificateFile|PKCS11Provider)\b/im;
const MORE_FILES = /^\s*Include\s+(?!\/etc\/ssh\/ssh_config\.d\/\*\.conf\s*$)/im;

/** False when it is certain that ssh_config names no key for any machine. `home`: ssh asks passwd(5), not $HOME. */
export function mayNameKeys(home: string = os.userInfo().homedir, etc = "/etc/ssh"): boolean {
  if (fs.existsSync(path.join(home, ".ssh/config"))) return true;
  const folder = path.join(etc, "ssh_config.d");
  const parts = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  const files = [path.join(etc, "ssh_config"), ...parts.map((name) => path.join(folder, name))];
  const texts = files.map((file) => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : ""));
  return texts.some((text) => KEYS.test(text) || MORE_FILES.test(text));
}

/**
 * Arguments of ssh in place of ssh_config, for one machine. Null when ssh cannot read it: then the login itself will say so.
 * `isFirst`: it is dialled from here, by whatever proxy ssh_config has. `more`: for tests.
 */
export async function keylessOptions(
  hop: SshHop,
  isFirst: boolean,
  watcher?: GroupWatcher,
  more: string[] = [],
): Promise<string[] | null> {
  const said = await sshConfigOf([...more, ...destination(hop)], watcher);
  if (said === null) return null;
  const options = said
    .split("\n")
    .flatMap(proxyCommand)
    .filter((line) => KEPT.test(keyOf(line)) && (isFirst || !keyOf(line).startsWith("proxy")));
  return [...["-F", "none"], ...options.flatMap((line) => ["-o", line.replace(" ", "=")])];
}

function keyOf(line: string): string {
  return line.split(" ", 1)[0] ?? "";
}

/**
 * `proxyjump [MORE,][USER@]HOST[:PORT]` as the command that ssh makes of it (ssh.c), but without our `-F none`: the user's
 * jump is made with the user's own config and keys. Other lines stay as they are.
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

function sshConfigOf(args: string[], watcher?: GroupWatcher): Promise<string | null> {
  const child = startGroup(
    ["ssh", "-G", "-T", "-o", "IgnoreUnknown=*", ...args],
    sshEnvironment(),
    watcher,
  );
  child.stdin.end();
  child.stderr.resume();
  return new Promise((resolve) => {
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    // A `Match exec` of the user's may hang.
    const timer = setTimeout(() => child.kill("SIGKILL"), SSH_QUERY_MS);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve(code === 0 ? text : null);
    });
    child.on("error", () => {
      clearTimeout(timer);
      resolve(null);
    });
  });
}
