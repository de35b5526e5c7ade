/** The step that stores a confirmed state for a rollback. */
import { Secret } from "../secret";
import type { CommitStep } from "./change";
import type { Observation } from "./observation";
import type { Wanted } from "./wanted";
import { watcherLines } from "./watched-keys";

/**
 * No step while keys or addresses move, because a rollback would not restore the other side. The host adds copies of its files.
 */
export function storeSteps(observed: Observation, wanted: Wanted): CommitStep[] {
  if (wanted.second !== null || watcherLines(wanted).length > 0) return [];
  return [{ do: "keep", text: Secret.of(`${observed.now ?? 0} ${wanted.stored.reveal()}\n`) }];
}
