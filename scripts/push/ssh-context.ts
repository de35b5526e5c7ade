/** What all logins of a command share: the SSH workspace, started when first needed, and the user's ssh_config of each hop. */
import type { SshHop } from "../../mesh/push-request";
import { openSshWorkspace, type SshWorkspace } from "./ssh-workspace";
import { PushError, messageOf } from "./push-error";
import { formatHop } from "./ssh-options";
import { keylessOptions, mayNameKeys } from "./user-ssh-config";

export class SshContext {
  private started: Promise<SshWorkspace> | null = null;
  /** ssh options by `user@address:port`. */
  private readonly asked = new Map<string, Promise<string[] | null>>();

  /** `sshPrivateKey`: as in HostAccess. */
  constructor(private readonly sshPrivateKey: string | null) {}

  /** @throws PushError, starting with the node's name, if the stack's own SSH key cannot be used. */
  async workspace(node: string): Promise<SshWorkspace> {
    try {
      return await (this.started ??= openSshWorkspace(this.sshPrivateKey));
    } catch (problem) {
      throw problem instanceof PushError
        ? new PushError(`${node}: ${messageOf(problem)}`)
        : problem;
    }
  }

  /** If the stack has its own key, ssh must not offer the keys that the user's ssh_config names. */
  userOptions(hop: SshHop, isFirst: boolean): Promise<string[] | null> {
    if (this.sshPrivateKey === null) return NONE;
    const key = `${formatHop(hop)} ${isFirst}`;
    const known = this.asked.get(key) ?? (mayNameKeys() ? keylessOptions(hop, isFirst) : NONE);
    this.asked.set(key, known);
    return known;
  }

  /** Ends the agent and removes the folder. */
  async cleanUp(): Promise<void> {
    const started = await this.started?.catch(() => null);
    await started?.cleanUp();
  }
}

const NONE = Promise.resolve(null);
