/** Makes a WireGuard key pair on a host and returns the public key; the private key never leaves the host. */
import { isKey } from "../../mesh/key-text";
import { toolsToInstall } from "../../mesh/host/tools";
import { keyRefusal } from "../../mesh/host/refusals";
import type { HostAccess, PushRequest } from "../../mesh/push-request";
import { withHost, type Host, type Session } from "./connect";
import { answer, complaint, linesWith, newToken, NO_QUESTIONS, observe } from "./conversation";
import { INSTALL_MS } from "./limits";
import { PushError } from "./push-error";

export type Marks = Pick<PushRequest, "interface" | "owner" | "node" | "machine">;

/**
 * The public key of a new pair. The host uses the pair only when a push names it; an unused one is deleted when the next is
 * made.
 * @throws PushError
 */
export function makeOwnKey(access: HostAccess & Marks): Promise<string> {
  return withHost(access, (host) => makeOwnKeyThrough(host, access));
}

/** The same for a host that is open already. */
export async function makeOwnKeyThrough(host: Host, marks: Marks): Promise<string> {
  const key = await host.session({}, (session) => makeIn(session, marks, true));
  return key ?? (await host.session({}, (session) => makeIn(session, marks, false))) ?? "";
}

/** Null if packages were installed first. */
async function makeIn(session: Session, marks: Marks, mayInstall: boolean): Promise<string | null> {
  const { node, owner, machine } = marks;
  const call = { verb: "own-key", interface: marks.interface, token: newToken() } as const;
  const observed = await observe(session, node, call, NO_QUESTIONS);
  const missing = mayInstall ? toolsToInstall(observed) : null;
  if (missing !== null) {
    await answer(session, `install ${missing.command}\n`, INSTALL_MS);
    return null;
  }
  const refused = keyRefusal(observed, marks);
  if (refused !== null) throw new PushError(`${node}: ${refused.cause}\n${refused.remedy}`);
  const run = await answer(session, `key ${owner} ${node} ${machine}\n`, INSTALL_MS);
  const publicKey = linesWith("public-key", run.stdout).at(-1);
  if (run.exitCode === 0 && publicKey !== undefined && isKey(publicKey)) return publicKey;
  throw (
    complaint(node, run) ??
    new PushError(`${node}: the connection broke before the host had answered. Try again.`)
  );
}
