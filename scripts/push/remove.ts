/** Takes everything of ours off one host, as far as that goes: a host that is gone must not block its own removal. */
import type { PushRequest } from "../../mesh/push-request";
import { withHost, type HostRun } from "./connect";
import { composeMessage, parseAnswer, parseComplaint } from "./host-script";
import { REMOVE_REACH_MS, REMOVE_VERB_MS } from "./limits";
import { PushError } from "./push-error";

/** What the push program prints on stdout after a removal, as one line of JSON; it holds no secret. */
export interface RemoveResult {
  node: string;
  /**
   * `removed`: all is gone. `removing`: it was under way when the connection ended, which it does where the tunnel was the
   * way in. `absent`: there was nothing of ours. `left`: it stays, since it belongs to another. `failed`: it may still be
   * there, and `note` says why and what to do.
   */
  outcome: "removed" | "removing" | "absent" | "left" | "failed";
  /** Words for people; null when there is nothing to say. */
  note: string | null;
}

export type RemoveRequest = Pick<
  PushRequest,
  "node" | "targets" | "sshPrivateKey" | "owner" | "machine" | "interface"
>;

/** Never throws for what the host or the way to it does; takes less than REMOVE_MS. */
export async function removeFromHost(request: RemoveRequest): Promise<RemoveResult> {
  try {
    const options = { limitMs: REMOVE_VERB_MS, reachMs: REMOVE_REACH_MS };
    return await withHost(request, async (host) => {
      const ask = (): Promise<HostRun> => host.run(composeMessage("remove", request), options);
      const run = await ask();
      // Another push began after our login. Once more is enough: who is alive will say what it wants again.
      return judge(request, outcomeOf(run) === "overtaken" ? await ask() : run);
    });
  } catch (problem) {
    if (!(problem instanceof PushError)) throw problem;
    return leftOn(request, problem.message);
  }
}

/** For a removal that was not even begun, or did not come to an end. */
export function leftOn(request: RemoveRequest, why: string): RemoveResult {
  const { node, interface: name } = request;
  return {
    node,
    outcome: "failed",
    note: [
      why,
      `What may be left on ${node}: the interface ${name}, /etc/wireguard/${name}.conf, its start at boot, and /var/lib/wireguard-mesh/${name}.`,
      `The network goes on without it. To clean it by hand, on that machine: sudo sh /var/lib/wireguard-mesh/${name}/host.sh remove ${name}`,
    ].join("\n"),
  };
}

function judge(request: RemoveRequest, run: HostRun): RemoveResult {
  const { node } = request;
  const outcome = outcomeOf(run);
  const note = parseAnswer(run.stdout).get("note")?.join("; ") ?? null;
  if (run.exitCode === 0 && (outcome === "removed" || outcome === "absent")) {
    return { node, outcome, note };
  }
  if (run.exitCode === 0 && outcome === "left") {
    return { node, outcome, note: `${node}: ${note ?? "it belongs to another"}` };
  }
  if (run.exitCode === null && outcome === "removing") {
    return {
      node,
      outcome,
      note: `${node}: the connection ended with the tunnel; the host goes on cleaning up by itself.`,
    };
  }
  const why =
    parseComplaint(run.stderr) ?? "the connection broke before the host had begun to clean up";
  return leftOn(request, `${node}: ${why}`);
}

function outcomeOf(run: HostRun): string | undefined {
  return parseAnswer(run.stdout).get("outcome")?.at(-1);
}
