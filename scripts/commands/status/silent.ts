/** Nodes without a recent handshake. */
import { formatAge } from "../../cli/report-text";
import { wrapped } from "../../cli/wrap";
import type { StatusReport } from "./status-report";

/** A laptop or a phone may be off for a night. */
const SILENCE_S = 86_400;

export interface Silent {
  node: string;
  /** Seconds since its last handshake; null: none since its neighbours started. */
  since: number | null;
}

/** Leaves out nodes whose neighbours could not be queried. */
export function silentNodes({ nodes }: StatusReport): Silent[] {
  return Object.entries(nodes).flatMap(([node, { state, handshakeAge }]) => {
    if (state === "unknown" || state === "unlinked") return [];
    const isSilent = handshakeAge === null || handshakeAge > SILENCE_S;
    return isSilent ? [{ node, since: handshakeAge }] : [];
  });
}

/** Leaves out nodes without any handshake: the table shows them, and a phone may not have its config yet. */
export function silentText(silent: readonly Silent[]): string {
  const ages = silent.flatMap(({ node, since }) =>
    since === null ? [] : [`${node} (${formatAge(since)})`],
  );
  return ages.length === 0 ? "" : wrapped("Silent for longer than a day: ", ages.join(", "), 2);
}
