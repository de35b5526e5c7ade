/** The fields of a relay that the program will create on EC2. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parsePrefix } from "../../../mesh/addresses";
import { parseLoginKey } from "../../../mesh/config/values";
import { Mistake } from "../../../mesh/config/mistake";
import { log } from "../../log";
import { Failure } from "../../stack/failure";
import type { YamlValue } from "../../stack/yaml-text";

export interface Ec2Options {
  ec2?: true;
  instanceType?: string;
  adminCidr?: string[];
  authorizedKey?: string[];
  region?: string;
}

/** Undefined without --ec2. Logs which SSH keys it takes. */
export async function ec2Fields(
  options: Ec2Options & { host?: string[] },
): Promise<Record<string, YamlValue> | undefined> {
  const { ec2, instanceType, adminCidr, host } = options;
  if (ec2 !== true) return undefined;
  if (host !== undefined) {
    const remedy = "leave out one of the two: --ec2 creates a machine, --host uses an existing one";
    throw new Failure("a relay is either created on EC2 or an existing machine", remedy, 2);
  }
  if (adminCidr === undefined) {
    throw new Failure(
      "--ec2 needs --admin-cidr: without it the relay's firewall would admit no SSH login",
      "add --admin-cidr ADDRESS/32, the address that you log in from: curl -4 https://checkip.amazonaws.com",
      2,
    );
  }
  const adminCidrs = adminCidr.map((cidr) => parsePrefix(cidr).text);
  const authorizedKeys = options.authorizedKey?.map(parseLoginKey) ?? (await ownKeys());
  return {
    ec2: { ...(instanceType === undefined ? {} : { instanceType }), adminCidrs, authorizedKeys },
  };
}

/** The keys that the user logs in with: those in the agent, else those in ~/.ssh. */
async function ownKeys(): Promise<string[]> {
  const inAgent = publicKeys(await agentKeys());
  if (inAgent.length > 0) {
    log(`keys that may log in: ${count(inAgent)} of your SSH agent`);
    return inAgent;
  }
  const onDisk = publicKeys(keyFiles());
  if (onDisk.length > 0) {
    log(`keys that may log in: ${count(onDisk)} of ~/.ssh`);
    return onDisk;
  }
  throw new Failure(
    "you have no SSH key: neither in an agent nor in ~/.ssh/*.pub",
    "make one (ssh-keygen -t ed25519), or give a public key as --authorized-key",
  );
}

/** Empty without keys or without an agent: ssh-add(1), exit codes 1 and 2. */
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

/** Skips certificates, and key types that OpenSSH no longer supports. */
function publicKeys(text: string): string[] {
  const keys = text.split("\n").flatMap((line) => {
    try {
      return line.trim() === "" ? [] : [parseLoginKey(line)];
    } catch (error) {
      if (error instanceof Mistake) return [];
      throw error;
    }
  });
  return [...new Set(keys)];
}

function count(keys: string[]): string {
  return keys.length === 1 ? "the one" : `the ${keys.length}`;
}
