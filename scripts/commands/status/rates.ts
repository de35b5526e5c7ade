/** Transfer rates of each tunnel, from the counters of two rounds. */
import type { Plan } from "../../../mesh/plan/plan";
import type { HostAnswers } from "../../stack/query-hosts";
import type { LinkStatus } from "../../stack/link-states";
import { peersOf } from "../../stack/node-state";

export interface LinkRate extends LinkStatus {
  /** Bytes per second; null: unknown. */
  aToB: number | null;
  bToA: number | null;
}

/** `before`: from the previous round; empty for the first. Uses the counters of `a` if its host answered. */
export function withRates(
  links: readonly LinkStatus[],
  plan: Plan,
  before: HostAnswers,
  after: HostAnswers,
): LinkRate[] {
  const [former, latter] = [countersIn(before, plan), countersIn(after, plan)];
  return links.map((link) => {
    const seenByA = rateAt(former.get(link.a)?.get(link.b), latter.get(link.a)?.get(link.b));
    const seenByB = rateAt(former.get(link.b)?.get(link.a), latter.get(link.b)?.get(link.a));
    return {
      ...link,
      aToB: seenByA?.sent ?? seenByB?.received ?? null,
      bToA: seenByA?.received ?? seenByB?.sent ?? null,
    };
  });
}

interface Counters {
  /** Seconds. */
  at: number;
  rx: number;
  tx: number;
}

/** By the reporting node, then by its neighbour. */
function countersIn(answers: HostAnswers, plan: Plan): Map<string, Map<string, Counters>> {
  const reached = [...answers].flatMap(([name, answer]) =>
    answer.reachable ? [[name, answer] as const] : [],
  );
  return new Map(
    reached.map(([name, { observed, queriedAt }]) => {
      const peers = peersOf(observed, plan).map(
        (peer) => [peer.name, { at: queriedAt, rx: peer.rx, tx: peer.tx }] as const,
      );
      return [name, new Map(peers)];
    }),
  );
}

/** Null if the counters were reset in between, such as for a recreated interface. */
function rateAt(
  before: Counters | undefined,
  after: Counters | undefined,
): { sent: number; received: number } | null {
  if (before === undefined || after === undefined) return null;
  const seconds = after.at - before.at;
  const [sent, received] = [after.tx - before.tx, after.rx - before.rx];
  if (seconds <= 0 || sent < 0 || received < 0) return null;
  return { sent: sent / seconds, received: received / seconds };
}
