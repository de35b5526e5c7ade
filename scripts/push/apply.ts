/** Pushes to one host. The first login observes the host and begins the change; the second one (confirm.ts) commits it. */
import { renderChange, type Change } from "../../mesh/host/change";
import { decide, unapplied } from "../../mesh/host/decide";
import { hostNotes } from "../../mesh/host/notes";
import { toolsToInstall, type Installation } from "../../mesh/host/tools";
import type { Wanted } from "../../mesh/host/wanted";
import type { PushRequest, PushResult } from "../../mesh/push-request";
import { AGAIN, REPORT } from "./apply-messages";
import { withHost, type Host, type HostRun, type Session } from "./connect";
import { confirm } from "./confirm";
import { answer, complaint, newToken, observe, Overtaken } from "./conversation";
import { formerWays } from "./former-ways";
import { hostScript } from "./host-program";
import * as limits from "./limits";
import {
  clock,
  isOwnWay,
  questionsOf,
  resultOf,
  reportAll,
  type SentChange,
  type Listeners,
  type Push,
} from "./push";
import { reportPhase } from "./phase";
import { PushError, UnreachableError } from "./push-error";
import { SessionLost } from "./session";
import { sha256, wantedState } from "./wanted-state";

/** @throws PushError; the host is unchanged or undoes the change by itself, as the message says. */
export function apply(request: PushRequest, listeners: Listeners): Promise<PushResult> {
  return withHost(request, (host) => applyThrough(host, request, listeners));
}

/** The same for a host that is open already. */
export async function applyThrough(
  host: Host,
  request: PushRequest,
  listeners: Listeners,
  { isQuiet = false }: Partial<Pick<Wanted, "isQuiet">> = {},
): Promise<PushResult> {
  const wanted = { ...wantedState(request), isQuiet };
  const push: Push = {
    request,
    digest: wanted.digest,
    wanted,
    host,
    hasInstalled: false,
    hasLostFirst: false,
    ...listeners,
  };
  for (let sending = 1; sending <= SENDINGS; sending++) {
    const outcome = await pushOnce(push).catch((problem: unknown) => {
      if (problem instanceof Overtaken) {
        if (sending < SENDINGS) {
          listeners.onMessage("another push to this host came in between; sending it again");
        }
        return "again" as const;
      }
      throw problem instanceof UnreachableError
        ? new PushError(`${problem.message}\nThen ${AGAIN}`)
        : problem;
    });
    if (outcome !== "again") return outcome;
  }
  throw new PushError(
    `${request.node}: other pushes to this host came in between each time, and this one was not taken.\n` +
      `Who else changes it? When they are done, ${AGAIN}`,
  );
}

/** How often a push is sent if others come in between. */
const SENDINGS = 4;

async function pushOnce(push: Push): Promise<PushResult | "again"> {
  const { request, host, onMessage } = push;
  const lockFile = `/run/wireguard-mesh.lock/${request.interface}`;
  const former = () => formerWays(request, push.wanted.main.publicKey);
  const options = {
    lockFile,
    former,
    onProgress: onMessage,
    onBooting: onMessage,
    onSlow: onMessage,
  };
  reportPhase(request.node, "connecting");
  const first = await host.session(options, (session) => begin(push, session));
  return first === "again" || "outcome" in first ? first : confirm(push, first);
}

/** The first login. */
async function begin(push: Push, session: Session): Promise<PushResult | SentChange | "again"> {
  const { request, wanted } = push;
  const { node } = request;
  reportPhase(node, "observing");
  const token = newToken();
  const words = [session.lastChange || "-", ...(isOwnWay(push, session) ? [wanted.digest] : [])];
  const call = { verb: "push", interface: request.interface, token, words } as const;
  const before = await observe(session, node, call, questionsOf(wanted)).catch(
    (problem: unknown) => {
      // The undo of an earlier change may cut this connection.
      const isBroken = problem instanceof SessionLost && problem.run.exitCode === null;
      if (!isBroken || push.hasLostFirst) throw problem;
      push.hasLostFirst = true;
      push.onMessage("the connection broke before the host had answered; trying once more");
      return null;
    },
  );
  if (before === null) return "again";
  if (before.pending !== null) {
    // A killed push left this change, and this login is newer than it, so it may confirm it.
    const isRight = unapplied(before, before, wanted).length === 0;
    await answer(session, isRight ? "commit\n" : "undo\n", limits.CONFIRM_MS);
    return "again";
  }
  const missing = push.hasInstalled ? null : toolsToInstall(before, wanted);
  if (missing !== null) return install(push, session, missing);
  const decision = decide(before, wanted, {
    token,
    hostScript: hostScript(),
    serial: request.serial ?? 0,
    generation: request.generation,
  });
  switch (decision.kind) {
    case "refuse":
      if (decision.change !== null)
        await send(push, session, { verb: "mark", change: decision.change });
      throw new PushError(`${node}: ${decision.cause}\n${decision.remedy}`);
    case "nothing":
      session.end();
      reportAll(push, [...decision.notes, ...hostNotes(before, wanted, clock())]);
      return resultOf(push, session.through, before, "unchanged");
    case "change": {
      reportPhase(node, "changing");
      const sentAt = Date.now();
      const isSure = await send(push, session, { verb: "change", change: decision.change });
      const { notes, serial, outcome: ending } = decision;
      return { token, before, notes, serial, ending, sentAt, isSure };
    }
  }
}

async function install(push: Push, session: Session, missing: Installation): Promise<"again"> {
  push.hasInstalled = true;
  push.onMessage(`installing ${missing.packages.join(" ")}`);
  push.onInstall();
  await answer(session, `install ${missing.command}\n`, limits.INSTALL_MS);
  return "again";
}

interface Message {
  /** `mark`: only the steps that are done while staging. */
  verb: "change" | "mark";
  change: Change;
}

/** Whether the host reported that it has begun. @throws PushError with the host's error if it refused. */
async function send(push: Push, session: Session, { verb, change }: Message): Promise<boolean> {
  const text = renderChange(change).reveal();
  const keys = /^ (?:Private|Preshared)Key = \((?:now|on this host)\)/m.test(text) ? " keys" : "";
  const run = await answer(session, `${verb} ${sha256(text)}${keys}\n${text}`, limits.APPLY_MS);
  if (run.exitCode === null) {
    push.onMessage("the connection broke; asking the host what became of the change");
    return false;
  }
  if (run.exitCode === 0 && /^begun$/m.test(run.stdout)) return true;
  throw complaint(push.request.node, run) ?? unexpected(push, run);
}

function unexpected({ request }: Push, run: HostRun): PushError {
  const last = run.stderr.trim().split("\n").at(-1) ?? "";
  return new PushError(
    `${request.node}: the host's program ended with code ${run.exitCode ?? "none"}: ${last}\n${REPORT}`,
  );
}
