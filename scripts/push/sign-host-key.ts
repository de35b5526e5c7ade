/** Signs a host key with the stack's SSH authority, on this machine: the authority's private key never leaves it. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { SshAuthority } from "../../mesh/push-request";
import { exitWithin, startGroup } from "./children";
import { plainEnvironment } from "./environment";
import { SIGN_MS } from "./limits";
import { PushError } from "./push-error";
import { SshContext } from "./ssh-context";

export interface SigningRequest {
  /** The node's name in stack config. */
  node: string;
  /** The certificate's key ID, which sshd logs. */
  label: string;
  authority: SshAuthority;
  /** OpenSSH private key text. Secret. */
  authorityKey: string;
  /** `ssh-ed25519 BASE64` from the host. */
  hostKey: string;
}

/**
 * Returns the certificate as one line. It does not expire, so a wrong clock cannot break it; its principal is the name of one
 * instance, which is never used again. ssh-keygen(1) signs with an agent, so the key is in no file.
 */
export async function signHostKey(request: SigningRequest): Promise<string> {
  const { node, label, authority, authorityKey, hostKey } = request;
  // A comma would separate two principals.
  const { principal } = authority;
  if (!/^[a-z0-9-]+$/.test(principal) || !/^ssh-ed25519 [A-Za-z0-9+/]{68}$/.test(hostKey)) {
    throw new PushError(`${node}: ${principal} with the key it gave cannot be signed. ${REPORT}`);
  }
  const context = new SshContext(authorityKey);
  try {
    const workspace = await context.workspace(node);
    const file = (name: string): string => path.join(workspace.folder, name);
    fs.writeFileSync(file("authority.pub"), `${authority.publicKey}\n`, { mode: 0o600 });
    fs.writeFileSync(file("host.pub"), `${hostKey}\n`, { mode: 0o600 });
    const what = ["-h", "-I", label, "-n", principal, file("host.pub")];
    const argv = ["ssh-keygen", "-q", "-U", "-s", file("authority.pub"), ...what];
    const env = { ...plainEnvironment(), SSH_AUTH_SOCK: workspace.agentSocket ?? "" };
    const child = startGroup(argv, env, workspace.watcher);
    if ((await exitWithin(child, SIGN_MS)) === 0)
      return fs.readFileSync(file("host-cert.pub"), "utf8").trim();
  } finally {
    await context.cleanUp();
  }
  throw new PushError(
    `${node}: ssh-keygen could not sign the machine's host key. It takes OpenSSH 7.6 or newer here.`,
  );
}

const REPORT = "This is a bug in wireguard-mesh: please report it with this text.";
