/** A reader of the docs, who runs the commands of a page in a clone of the repository, with an SSH agent and known host keys. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Lab } from "../../../scripts/lab/lab";
import type { CommandResult } from "../../../scripts/lab/process";
import { findRepository } from "../../../scripts/lab/repository";
import { addToAgent, startAgent } from "./ssh-agent";

const REPOSITORY = findRepository();

export class PageReader {
  private constructor(
    private readonly lab: Lab,
    readonly clone: string,
    private readonly sshConfig: string,
    private readonly environment: Record<string, string>,
    private readonly unset: readonly string[],
  ) {}

  /** `hosts`: address → host of the lab, for those whose host key is known. `unset`: variables of the lab's operator. */
  static async of(
    lab: Lab,
    hosts: Record<string, string>,
    { environment = {}, unset }: { environment?: Record<string, string>; unset: string[] },
  ): Promise<PageReader> {
    const home = engineFolder(lab, "home-of-reader");
    const socket = path.join(home, "agent");
    const sshConfig = engineFolder(lab, "etc-ssh");
    writeKnownHosts(lab, hosts, sshConfig);
    await startAgent(lab, socket);
    await addToAgent(lab, socket, lab.folder.sshKey);
    const own = { HOME: home, SSH_AUTH_SOCK: socket, ...environment };
    return new PageReader(lab, cloneFor(lab), sshConfig, own, unset);
  }

  run(commands: string): Promise<CommandResult> {
    const script = `set -e; cd '${this.clone}'; unset ${this.unset.join(" ")}\n${commands}`;
    const mount = `mount --bind '${this.sshConfig}' /etc/ssh && exec bash -c "$0"`;
    const options = { env: this.environment, timeoutMs: 390_000 };
    return this.lab.exec("operator", ["unshare", "--mount", "sh", "-c", mount, script], options);
  }
}

/** A new folder of the operator's. */
export function engineFolder(lab: Lab, name: string): string {
  const created = path.join(lab.folder.engine, name);
  fs.mkdirSync(created, { mode: 0o700 });
  return created;
}

/** A copy of the repository without stack files, as on another machine. */
export function cloneFor(lab: Lab): string {
  const clone = engineFolder(lab, "clone");
  for (const entry of fs.readdirSync(REPOSITORY)) {
    if (/^\.git$|^Pulumi\b.*\.yaml$/.test(entry)) continue;
    fs.symlinkSync(path.join(REPOSITORY, entry), path.join(clone, entry));
  }
  // The engine records which stack is selected by the place of this file.
  fs.copyFileSync(path.join(REPOSITORY, "Pulumi.yaml"), path.join(clone, "Pulumi.yaml"));
  return clone;
}

/** Records the host keys, as a first login does. In /etc/ssh, because ssh-keygen(1) ignores HOME. */
function writeKnownHosts(lab: Lab, hosts: Record<string, string>, sshConfig: string): void {
  const lines = Object.entries(hosts).map(([address, host]) => `${address} ${lab.hostKey(host)}`);
  fs.cpSync("/etc/ssh", sshConfig, { recursive: true });
  fs.writeFileSync(path.join(sshConfig, "ssh_known_hosts"), `${lines.join("\n")}\n`);
}
