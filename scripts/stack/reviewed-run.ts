/** `pulumi up` and `pulumi preview` with a review of the network's changes instead of the engine's tree. */
import { isEmpty } from "../../mesh/review/review";
import { withProgress } from "../progress";
import { isNotBegun, withFailureLimit } from "../push/failure-limit";
import { phaseIn, type PhaseEvent } from "../push/phase";
import { pushEventIn, type NodeFailure, type PushEvent } from "./engine-events";
import { remedyFor } from "./engine";
import { runQuietly, runWithEvents, type EngineRun, type QuietRun } from "./engine-run";
import { withRemedy } from "./failure";
import type { StackRef } from "./project";
import { runUnlocked } from "./stack-locks";

/** A progress message of a push. */
export type RunEvent = PushEvent | PhaseEvent;

/** Shows reviews and progress to the user, and asks for confirmation. */
export interface Reviewer {
  /** Called with the changes before the run or, with skipPreview, after it (`ended`). */
  show(run: QuietRun, ended?: "ended"): void;
  /** Whether to make the changes. */
  confirm(run: QuietRun): Promise<boolean>;
  /** Called with messages, progress and results of pushes. */
  report(event: RunEvent): void;
  /** Called with the current state of the run, in one line. */
  progress(): string;
  /** The run has ended. */
  end(): void;
}

export interface RunOptions {
  /** More flags for `pulumi up`. */
  flags?: readonly string[];
  yes?: true;
  skipPreview?: true;
  nonInteractive?: true;
  /** After the first failed push the engine does nothing more. */
  stopsAtFailure?: boolean;
  /** No push begins after this many have failed. Needs a reviewer. */
  maxFailures?: number;
  /** Where the engine's output goes without a reviewer; with JSON on stdout it is stderr. */
  out: "stdout" | "stderr";
  /** Without one, the engine shows its own tree of resources, and asks. */
  reviewer?: Reviewer;
}

/** The exit code of an engine's run that was declined. */
const DECLINED = 255;

/** With --skip-preview, the review is shown after the run. */
export async function runUp(stack: StackRef, options: RunOptions): Promise<EngineRun> {
  const { reviewer, out } = options;
  if (reviewer === undefined) {
    // The outputs have a few lines for each node.
    const args = [...engineArgs(options), "--suppress-outputs"];
    return runUnlocked(stack, () => runWithEvents(stack, args, out));
  }
  if (options.skipPreview !== true) {
    const preview = await previewQuietly(stack, options.flags ?? []);
    if (preview.exitCode !== 0) return preview;
    reviewer.show(preview);
    if (!(await isConfirmed(preview, reviewer, options))) return declined(preview);
  }
  const run = await runConfirmedUp(stack, reviewer, options);
  reviewer.end();
  if (options.skipPreview === true && run.updated) reviewer.show(run, "ended");
  return run;
}

/** Whether to make the changes; asks the user only if there are any. */
export async function isConfirmed(
  preview: QuietRun,
  reviewer: Reviewer,
  { yes }: RunOptions,
): Promise<boolean> {
  return yes === true || !hasChanges(preview) || (await reviewer.confirm(preview));
}

export function declined(preview: QuietRun): EngineRun {
  return { ...preview, exitCode: DECLINED };
}

/** Runs the engine's `up` after the confirmation, for all resources or for those with these URNs. */
export async function runConfirmedUp(
  stack: StackRef,
  reviewer: Reviewer,
  options: RunOptions,
  targets: readonly string[] = [],
): Promise<QuietRun> {
  const only = targets.flatMap((urn) => ["--target", urn]);
  const args = [...engineArgs({ ...options, yes: true, skipPreview: true }), ...only];
  const notBegun = new Set<string>();
  const progressText = () => reviewer.progress();
  const run = await withProgress(progressText, (update) => {
    const emit = (event: RunEvent | null) => {
      if (event?.kind === "note" && isNotBegun(event.text)) notBegun.add(event.node);
      else if (event !== null && !notBegun.has(event.node)) reviewer.report(event);
      update();
    };
    const listeners = {
      onEvent: (line: string) => {
        emit(pushEventIn(line));
      },
      onPhase: (line: string) => {
        emit(phaseIn(line));
      },
    };
    return withFailureLimit(options.maxFailures, (environment) =>
      runUnlocked(stack, () => runQuietly(stack, args, listeners, environment)),
    );
  });
  const failed = failuresOf(run);
  const counted = failed.filter(({ reason }) => !isNotBegun(reason));
  return { ...run, failed: counted, stopped: counted.length < failed.length };
}

/** Flags that only `pulumi up` has. */
const UP_FLAGS = /^(--continue-on-error|--strict|--skip-preview|-f|--yes|-y)(=|$)/;

export async function previewQuietly(stack: StackRef, flags: readonly string[]): Promise<QuietRun> {
  const own = flags.filter((flag) => !UP_FLAGS.test(flag));
  const args = ["preview", "--diff", "--show-full-output", ...own];
  const run = await withProgress(
    () => "previewing the changes",
    () => runQuietly(stack, args),
  );
  return { ...run, failed: failuresOf(run) };
}

/** The failures in the events, else the engine's error outside of them. */
function failuresOf({ failed, error }: QuietRun): NodeFailure[] {
  if (failed.length > 0 || error === "") return failed;
  const reason = error.replace(/^getting stack configuration: get stack secrets manager: /, "");
  return [{ node: null, reason: withRemedy(reason, remedyFor({ stderr: error })) }];
}

export function hasChanges({ review, cloud }: EngineRun): boolean {
  return !isEmpty(review) || cloud.length > 0;
}

function engineArgs(options: RunOptions): string[] {
  return [
    "up",
    ...(options.stopsAtFailure === true ? [] : ["--continue-on-error"]),
    ...(options.yes === true ? ["--yes"] : []),
    ...(options.skipPreview === true ? ["--skip-preview"] : []),
    ...(options.nonInteractive === true ? ["--non-interactive"] : []),
    ...(options.flags ?? []),
  ];
}
