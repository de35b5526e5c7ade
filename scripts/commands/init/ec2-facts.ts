/** What `init --ec2` writes down of a relay that the program will make on EC2. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parsePrefix } from "../../../mesh/addresses";
import { parseLoginKey } from "../../../mesh/config/values";
import { Mistake } from "../../../mesh/config/mistake";
import { Failure } from "../../stack/failure";
import type { YamlValue } from "../../stack/yaml-edit";

export interface Ec2Options {
  ec2?: true;
  instanceType?: string;
  adminCidr?: string[];
  authorizedKey?: string[];
  region?: string;
}

/** Undefined where no relay on EC2 is asked for. `say` hears where the keys come from. */
export async function ec2Facts(
  options: Ec2Options & { host?: string[] },
  say: (text: string) => void,
): Promise<Record<string, YamlValue> | undefined> {
  const { ec2, instanceType, adminCidr, host } = options;
  if (ec2 !== true) return undefined;
  if (host !== undefined) {
    const remedy =
      "leave out one of the two: --ec2 makes a machine, --host takes one that is there";
    throw new Failure("a relay is either made on EC2 or there already", remedy, 2);
  }
  if (adminCidr === undefined) {
    throw new Failure(
      "nobody could push to the relay: it must know from where",
      "add --admin-cidr ADDRESS/32, the address that you log in from: curl -4 https://checkip.amazonaws.com",
      2,
    );
  }
  const adminCidrs = adminCidr.map((cidr) => parsePrefix(cidr).text);
  const authorizedKeys = options.authorizedKey?.map(parseLoginKey) ?? (await ownKeys(say));
  return {
    ec2: { ...(instanceType === undefined ? {} : { instanceType }), adminCidrs, authorizedKeys },
  };
}

/** The keys that the user logs in with: those in the agent, else those in ~/.ssh. */
async function ownKeys(say: (text: string) => void): Promise<string[]> {
  const inAgent = publicKeys(await agentKeys());
  if (inAgent.length > 0) {
    say(`keys that may log in: ${count(inAgent)} of your SSH agent`);
    return inAgent;
  }
  const onDisk = publicKeys(keyFiles());
  if (onDisk.length > 0) {
    say(`keys that may log in: ${count(onDisk)} of ~/.ssh`);
    return onDisk;
  }
  throw new Failure(
    "no SSH key of yours was found: not in an agent, and no ~/.ssh/*.pub",
    "make one (ssh-keygen -t ed25519), or give a public key as --authorized-key",
  );
}

/** ssh-add(1): exit code 1 is an empty agent, 2 is none. */
function agentKeys(): Promise<string> {
  return new Promise((resolve) => {
    execFile("ssh-add", ["-L"], { timeout: 10_000 }, (_, stdout) => {
      resolve(stdout);
    });
  });
}

function keyFiles(): string {
  const folder = join(homedir(), ".ssh");
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith(".pub"));
    return names.map((name) => readFileSync(join(folder, name), "utf8")).join("\n");
  } catch {
    return "";
  }
}

/** Certificates and key types that OpenSSH has given up are passed over. */
function publicKeys(text: string): string[] {
  const keys = text.split("\n").flatMap((line) => {
    try {
      return line.trim() === "" ? [] : [parseLoginKey(line)];
    } catch (problem) {
      if (problem instanceof Mistake) return [];
      throw problem;
    }
  });
  return [...new Set(keys)];
}

function count(keys: string[]): string {
  return keys.length === 1 ? "the one" : `the ${keys.length}`;
}
