/** The result of a rotation, as data and as text. */
import { joinBlocks } from "../../cli/command";
import { pendingText } from "../../cli/report-text";
import { upText } from "../../cli/up-text";
import type { UpReport } from "../../stack/converge";
import { withRemedy } from "../../stack/failure";
import type { PendingKey } from "../../stack/pending-keys";

export interface RotateReport {
  node: string;
  /**
   * `pending`: both keys work, and not every neighbour uses the new one. `failed`: the engine's run failed, with both keys in
   * use if `pending` is not empty. `untouched`: it updated nothing, as after answering no, so the stack file is as before.
   */
  outcome: "finished" | "pending" | "failed" | "untouched";
  pending: PendingKey[];
  up: UpReport;
  /** Set after --cancel: the remaining key is the former one. */
  cancelled?: true;
}

/** The node at which `rotate --all` stopped, before anything was changed for it. */
export interface Stopped {
  node: string;
  message: string;
  remedy: string | null;
}

export function reportText(report: RotateReport): string {
  return joinBlocks([upText(report.up), outcomeText(report)]);
}

function outcomeText({ node, outcome, pending, cancelled }: RotateReport): string {
  const left = cancelled === true ? "former" : "new";
  switch (outcome) {
    case "finished":
      return node === "" ? "no rotation is in progress" : `${node}: only the ${left} key is left`;
    case "pending":
      return pendingText(pending);
    case "untouched":
      return `${node}: nothing was changed`;
    case "failed":
      return pending.length > 0
        ? `${node}: not everything succeeded. When that is fixed, run the same command again.`
        : `${node}: not everything succeeded. When that is fixed: npx wireguard-mesh up   # it does the rest`;
  }
}

export function stoppedText(stopped: Stopped | null): string {
  if (stopped === null) return "";
  const { node, message, remedy } = stopped;
  return `stopped at ${node}: ${withRemedy(message, remedy)}`;
}
