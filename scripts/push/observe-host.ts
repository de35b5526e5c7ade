/** What a host is now, as it reports it. */
import type { Observation } from "../../mesh/host/observation";
import type { HostAccess } from "../../mesh/push-request";
import { withHost, type SessionOptions } from "./connect";
import { newToken, NO_QUESTIONS, observe, type Questions } from "./conversation";

export interface HostView {
  observed: Observation;
  /** The way taken, as in PushResult.through. */
  through: string;
}

/** Changes nothing and sends no secret. @throws PushError (UnreachableError without a way in) */
export function observeHost(
  access: HostAccess & { interface: string },
  questions: Questions = NO_QUESTIONS,
  options: SessionOptions = {},
): Promise<HostView> {
  return withHost(access, (host) =>
    host.session(options, async (session) => {
      const call = { verb: "status", interface: access.interface, token: newToken() } as const;
      const observed = await observe(session, access.node, call, questions);
      return { observed, through: session.through };
    }),
  );
}
