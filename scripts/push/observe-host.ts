/** Reads the current state of a host. */
import { parseProbes, type Probe, type Probes } from "../../mesh/doctor/probes";
import type { Observation } from "../../mesh/host/observation";
import type { HostAccess } from "../../mesh/push-request";
import { withHost, type SessionOptions } from "./connect";
import { ProgramSession, newToken, NO_QUESTIONS, observe, type Questions } from "./conversation";
import { PROBE_MS } from "./limits";
import { probeScript } from "./probe-host";
import type { SshContext } from "./ssh-context";

export interface HostView {
  observed: Observation;
  /** The way taken, as in PushResult.through. */
  through: string;
}

/** Changes nothing and sends no secret. @throws PushError (UnreachableError if no way works) */
export function observeHost(
  access: HostAccess & { interface: string },
  questions: Questions = NO_QUESTIONS,
  options: SessionOptions = {},
  shared: SshContext | null = null,
): Promise<HostView> {
  return withHost(
    access,
    (host) =>
      host.session(options, async (session) => {
        const call = { verb: "status", interface: access.interface, token: newToken() } as const;
        const observed = await observe(session, access.node, call, questions);
        return { observed, through: session.through };
      }),
    shared,
  );
}

/** A host with an open connection. */
export interface ConnectedHost extends Pick<ProgramSession, "observe" | "look"> {
  through: string;
  /** As probeHost. */
  probe: (probes: readonly Probe[]) => Promise<Probes>;
}

/** Calls `work` with a connection that ends with it. @throws as observeHost. */
export function withConnection(
  access: HostAccess & { interface: string },
  work: (host: ConnectedHost) => Promise<void>,
  shared: SshContext,
): Promise<void> {
  return withHost(
    access,
    (host) =>
      host.session({}, (session) => {
        const program = new ProgramSession(session, access.node, access.interface);
        return work({
          through: session.through,
          observe: (questions) => program.observe(questions),
          look: () => program.look(),
          probe: async (probes) =>
            parseProbes((await program.run(probeScript(probes), PROBE_MS)).join("\n")),
        });
      }),
    shared,
  );
}
