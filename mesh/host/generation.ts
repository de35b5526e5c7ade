/** The step that keeps a confirmed state for a rollback. */
import { Secret } from "../secret";
import type { CommitStep } from "./change";
import type { Observation } from "./observation";
import type { Wanted } from "./wanted";
import { wantedLines } from "./watched-keys";

/**
 * Keeps the state that is committed. None while keys or addresses move: their other side would not go back with it. The host
 * adds copies of its files.
 */
export function keepSteps(observed: Observation, wanted: Wanted): CommitStep[] {
  if (wanted.second !== null || wantedLines(wanted).length > 0) return [];
  return [{ do: "keep", text: Secret.of(`${observed.now ?? 0} ${wanted.kept.reveal()}\n`) }];
}
