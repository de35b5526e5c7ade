/** Removes wireguard-mesh from one host, best effort: an unreachable host must not block its removal from the stack. */
import type { Owner } from "../../mesh/host/records";
import { decideRemoval } from "../../mesh/host/removal";
import { keysIn } from "../../mesh/host/wanted-interface";
import type { PushRequest } from "../../mesh/push-request";
import { withHost, type Host, type HostRun, type Session } from "./connect";
import {
  answer,
  complaint,
  linesWith,
  newToken,
  NO_QUESTIONS,
  observe,
  Overtaken,
} from "./conversation";
import { formerWays } from "./former-ways";
import { REMOVE_REACH_MS, REMOVE_VERB_MS } from "./limits";
import { PushError } from "./push-error";
import { publicKeyOf } from "./wanted-state";

/** Printed on stdout as one line of JSON; holds no secret. */
export interface RemoveResult {
  node: string;
  /**
   * `removed`: done. `removing`: in progress when the connection ended, as it does if the tunnel was the way in. `absent`:
   * there was nothing to remove. `left`: it belongs to another stack, node or machine, and was not touched. `failed`: it may
   * still be there; `note` has the cause and the remedy.
   */
  outcome: "removed" | "removing" | "absent" | "left" | "failed";
  /** A message for the user, or null. */
  note: string | null;
}

export type RemoveRequest = Pick<
  PushRequest,
  "node" | "targets" | "sshPrivateKey" | "owner" | "machine" | "interface"
> &
  Partial<Pick<PushRequest, "otherJumps" | "config">>;

/** Never throws for failures of the host or the network; takes less than REMOVE_MS. */
export function removeFromHost(request: RemoveRequest): Promise<RemoveResult> {
  return orLeft(request, () => withHost(request, (host) => removeOnce(host, request)));
}

/** The same for a host that is open already. */
export function removeThrough(host: Host, request: RemoveRequest): Promise<RemoveResult> {
  return orLeft(request, () => removeOnce(host, request));
}

/** The result of a removal that did not begin or did not finish. */
export function leftOn(request: RemoveRequest, why: string): RemoveResult {
  const { node, interface: name } = request;
  return {
    node,
    outcome: "failed",
    note: [
      why,
      `What may be left on ${node}: the interface ${name}, its nft table if it has one, /etc/wireguard/${name}.*, its start at boot, and /var/lib/wireguard-mesh/${name}.`,
      `The network goes on without it. To clean it by hand, on that machine: sudo sh /var/lib/wireguard-mesh/${name}/host.sh remove ${name}`,
    ].join("\n"),
  };
}

async function orLeft(
  request: RemoveRequest,
  work: () => Promise<RemoveResult>,
): Promise<RemoveResult> {
  try {
    return await work();
  } catch (problem) {
    if (!(problem instanceof PushError)) throw problem;
    return leftOn(request, problem.message);
  }
}

async function removeOnce(host: Host, request: RemoveRequest): Promise<RemoveResult> {
  const lockFile = `/run/wireguard-mesh.lock/${request.interface}`;
  // After a rename, the interface may belong to the node's new name already; its key is the same.
  const { config } = request;
  const key = () => (config === undefined ? null : keysIn(config, publicKeyOf).publicKey);
  const former = () => formerWays(request, key());
  const options = { reachMs: REMOVE_REACH_MS, lockFile, former };
  const once = (session: Session): Promise<RemoveResult> => removeIn(session, request);
  return host.session(options, once).catch((problem: unknown) => {
    // One retry is enough: if a program keeps changing the host, the removal does not last anyway.
    if (problem instanceof Overtaken) return host.session(options, once);
    throw problem;
  });
}

async function removeIn(session: Session, request: RemoveRequest): Promise<RemoveResult> {
  const { node, interface: name } = request;
  const words = [session.lastChange || "-"];
  const call = { verb: "remove", interface: name, token: newToken(), words } as const;
  const observed = await observe(session, node, call, NO_QUESTIONS);
  const removal = decideRemoval(observed, request);
  switch (removal.kind) {
    case "absent":
      return { node, outcome: "absent", note: null };
    case "left":
      return {
        node,
        outcome: "left",
        note: `${node}: ${leftNote(name, request, removal.owner)}`,
      };
    case "remove": {
      const text = ["remove", ...removal.sysctls].join(" ");
      return judge(request, await answer(session, `${text}\n`, REMOVE_VERB_MS), removal.notes);
    }
  }
}

function leftNote(name: string, request: RemoveRequest, { stack, node }: Owner): string {
  if (stack !== request.owner)
    return `${name} there belongs to ${node} of stack ${stack}, so it was not touched`;
  if (node !== request.node)
    return `${name} there belongs to ${node} now, so the removal of ${request.node} changed nothing`;
  return `${name} there belongs to another machine of ${node} (other host keys or instance), so it was not touched`;
}

function judge(request: RemoveRequest, run: HostRun, notes: readonly string[]): RemoveResult {
  const { node } = request;
  const note = [...notes, ...linesWith("note", run.stdout)].join("; ") || null;
  if (run.exitCode === 0 && /^removed$/m.test(run.stdout))
    return { node, outcome: "removed", note };
  if (run.exitCode === null && /^removing$/m.test(run.stdout)) {
    return {
      node,
      outcome: "removing",
      note: `${node}: the connection ended with the tunnel; the host goes on cleaning up by itself.`,
    };
  }
  const why = complaint(node, run)?.message;
  return leftOn(
    request,
    why ?? `${node}: the connection broke before the host had begun to clean up`,
  );
}
