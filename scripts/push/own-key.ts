/** Has a host make a private key of its own, and brings back the public half: the private one never leaves it. */
import { isKey } from "../../mesh/keys";
import type { HostAccess } from "../../mesh/push-request";
import { runOnHost } from "./connect";
import { composeMessage, parseAnswer, parseComplaint, type Marks } from "./host-script";
import { INSTALL_MS } from "./limits";
import { PushError } from "./push-error";

/**
 * The public half of a new key. Nothing on the host uses it before a push names it; one that no push ever names is forgotten
 * there when the next one is made.
 * @throws PushError
 */
export async function makeOwnKey(access: HostAccess & Marks): Promise<string> {
  const run = await runOnHost(access, composeMessage("own-key", access), { limitMs: INSTALL_MS });
  const publicKey = parseAnswer(run.stdout).get("public-key")?.at(-1);
  if (run.exitCode === 0 && publicKey !== undefined && isKey(publicKey)) return publicKey;
  const why =
    parseComplaint(run.stderr) ?? "the connection broke before the host had answered. Try again.";
  throw new PushError(`${access.node}: ${why}`);
}
