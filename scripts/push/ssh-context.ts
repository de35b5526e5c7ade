/** What the logins of one command share on this machine: a folder, perhaps an agent, and what ssh_config says of a machine. */
import type { SshHop } from "../../mesh/push-request";
import { openSshWorkspace, type SshWorkspace } from "./ssh-workspace";
import { PushError, messageOf } from "./push-error";
import { formatHop } from "./ssh-options";
import { keylessOptions, mayNameKeys } from "./user-ssh-config";

export class SshContext {
  private started: Promise<SshWorkspace> | null = null;
  /** By `user@address:port`: what ssh_config says, asked once. */
  private readonly asked = new Map<string, Promise<string[] | null>>();

  /** `sshPrivateKey`: as in HostAccess. Nothing is started before it is needed. */
  constructor(private readonly sshPrivateKey: string | null) {}

  /** @throws PushError, with the node's name first, when the stack's own SSH key cannot be used. */
  async workspace(node: string): Promise<SshWorkspace> {
    try {
      return await (this.started ??= openSshWorkspace(this.sshPrivateKey));
    } catch (problem) {
      throw problem instanceof PushError
        ? new PushError(`${node}: ${messageOf(problem)}`)
        : problem;
    }
  }

  /** With a key of the stack's own, the keys that the user's ssh_config names must stay out of it. */
  userOptions(hop: SshHop, isFirst: boolean): Promise<string[] | null> {
    if (this.sshPrivateKey === null) return NONE;
    const key = `${formatHop(hop)} ${isFirst}`;
    const known = this.asked.get(key) ?? (mayNameKeys() ? keylessOptions(hop, isFirst) : NONE);
    this.asked.set(key, known);
    return known;
  }

  /** Ends the agent and removes the folder. One that could not be started has cleared itself away. */
  async cleanUp(): Promise<void> {
    const started = await this.started?.catch(() => null);
    await started?.cleanUp();
  }
}

const NONE = Promise.resolve(null);
