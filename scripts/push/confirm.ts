/** The second login of a push: observes the host after the change, and commits it. */
import { setTimeout as sleep } from "node:timers/promises";
import { unapplied } from "../../mesh/host/decide";
import { formatDifference } from "../../mesh/host/format-difference";
import { hostNotes } from "../../mesh/host/notes";
import type { Observation } from "../../mesh/host/observation";
import { proofNotes } from "../../mesh/host/proof";
import type { PushResult } from "../../mesh/push-request";
import {
  lostBefore,
  notBegun,
  notUndone,
  rebooted,
  refusedAfter,
  undone,
  unverified,
  wentBack,
  withNames,
  withoutEffect,
} from "./apply-messages";
import type { Session } from "./connect";
import { answer, complaint, linesWith, observe } from "./conversation";
import { formerWays } from "./former-ways";
import * as limits from "./limits";
import {
  clock,
  isOwnWay,
  questionsOf,
  resultOf,
  reportAll,
  type SentChange,
  type Push,
} from "./push";
import { reportPhase } from "./phase";
import { PushError, RefusedError, UnreachableError } from "./push-error";
import { SessionLost } from "./session";

/** Retries the login until the host answers or must have undone the change. */
export async function confirm(push: Push, begun: SentChange): Promise<PushResult> {
  const { request, host, onMessage } = push;
  const lost: UnreachableError[] = [];
  const askRelays = () => formerWays(request, push.wanted.main.publicKey);
  reportPhase(request.node, "confirming");
  const limit = begun.isSure ? limits.SETTLE_MS : limits.FIND_OUT_MS;
  while (Date.now() < begun.sentAt + limit) {
    try {
      // After its undo, the host may be at a former address again. Before, a login there would prove nothing.
      const isBack = Date.now() > begun.sentAt + limits.UNDO_AFTER_S * 1000;
      const former = isBack ? { former: askRelays } : {};
      const options = { urgent: true, onProgress: onMessage, ...former };
      return await host.session(options, (session) => {
        const isProof = !isBack || isOwnWay(push, session);
        return commit(push, session, begun, { lost: lost.at(-1), isProof });
      });
    } catch (problem) {
      if (problem instanceof UnreachableError) {
        if (lost.length === 0) {
          onMessage("no way in through the new config yet; still trying");
          // Asking restarts a killed watcher, without which the relay still routes to the former place.
          await askRelays();
        }
        lost.push(problem);
      } else if (problem instanceof RefusedError) {
        throw new PushError(refusedAfter(request.node, problem.failure));
      } else if (!(problem instanceof SessionLost)) {
        throw problem;
      }
    }
    await sleep(limits.RETRY_MS);
  }
  throw new PushError(
    begun.isSure ? unverified(request.node, lost.at(-1)) : lostBefore(request.node),
  );
}

async function commit(
  push: Push,
  session: Session,
  begun: SentChange,
  { lost, isProof }: { lost: UnreachableError | undefined; isProof: boolean },
): Promise<PushResult> {
  const { request, wanted } = push;
  const { node } = request;
  const call = { verb: "confirm", interface: request.interface, token: begun.token } as const;
  const after = await observe(session, node, call, {
    ...questionsOf(wanted),
    names: [],
    hostFilter: false,
    dns: false,
  });
  if (after.pending?.token !== begun.token || after.pending.state !== "applied") {
    return settled(push, session.through, after, begun, lost);
  }
  if (!isProof)
    throw new SessionLost(
      `${node}: seen at a former address`,
      "ended",
      await answer(session, "", limits.CONFIRM_MS),
    );
  const wrong = unapplied(begun.before, after, wanted);
  if (wrong.length > 0) {
    await answer(session, "undo\n", limits.CONFIRM_MS);
    const names = new Map(wanted.main.peers.map(({ publicKey, name }) => [publicKey, name]));
    const words = wrong.map((one) => formatDifference(one, names, wanted.main.name)).join("; ");
    throw new PushError(`${node}: ${withoutEffect(words)}`);
  }
  const run = await answer(session, "commit\n", limits.CONFIRM_MS);
  if (!/^committed$/m.test(run.stdout)) {
    throw complaint(node, run) ?? new SessionLost(`${node}: the connection broke`, "ended", run);
  }
  const notes = linesWith("note", run.stdout).map((words) => `after the change, ${words}`);
  const proof = proofNotes(begun.before, after, wanted);
  // The packet filter is listed before the change, and pings are sent after it.
  const host = hostNotes({ ...begun.before, pings: after.pings }, wanted, clock());
  reportAll(push, [...begun.notes, ...proof, ...host, ...notes]);
  const result = resultOf(push, session.through, after, begun.ending);
  return { ...result, serial: begun.serial };
}

/**
 * The result if this change is not pending as applied: it was undone or is still being undone, it was committed by a login whose
 * reply was lost, or it never began.
 */
function settled(
  push: Push,
  through: string,
  after: Observation,
  begun: SentChange,
  lost: UnreachableError | undefined,
): PushResult {
  const { node } = push.request;
  if (after.records.confirmed?.token === begun.token)
    return resultOf(push, through, after, begun.ending);
  if (!begun.isSure && after.records.rolledBack !== begun.token) {
    throw new PushError(notBegun(node));
  }
  if (after.bootId !== begun.before.bootId) throw new PushError(rebooted(node));
  const seconds = Math.round((Date.now() - begun.sentAt) / 1000);
  const words = after.result === null ? null : withNames(after.result, push.wanted.main.peers);
  const isLate = words === null || words.startsWith("it was not confirmed");
  // A missing handshake also explains a lost way in through the tunnel.
  const isSilent = words?.startsWith("no handshake ") === true;
  if (after.pending?.token === begun.token) throw new PushError(notUndone(node, words));
  if (lost !== undefined && (isLate || isSilent)) {
    throw new PushError(wentBack(node, lost, seconds, isSilent ? words : null));
  }
  throw new PushError(undone(node, words));
}
