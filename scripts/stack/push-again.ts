/** Repeats the last push in the state, which the engine would skip because nothing has changed. */
import { spawn } from "node:child_process";
import type { PushRequest, PushResult } from "../../mesh/push-request";
import { observeHost } from "../push/observe-host";
import { withProgress } from "../progress";
import { PushError } from "../push/push-error";
import { forEachConcurrently } from "./query-hosts";
import type { RecordedPush } from "./recorded-pushes";

export interface RepushResult {
  node: string;
  /** `unchanged`: the host already had that config. `failed`: see `reason`. */
  outcome: PushResult["outcome"] | "failed";
  through: string | null;
  /** Why it failed, else null. */
  reason: string | null;
  /** The host had an older confirmed state, such as after restoring a snapshot. */
  wasSetBack: boolean;
}

/** The last push that a host has confirmed. */
interface ConfirmedPush {
  digest: string;
  /** 0 in the records of older versions. */
  serial: number;
}

/** Tests replace it. */
interface PushProgram {
  /** Null if the host has no interface of this stack. */
  confirmed(request: PushRequest): Promise<ConfirmedPush | null>;
  apply(request: PushRequest): Promise<PushResult>;
}

interface PushAgainOptions {
  /** Whether to push to hosts that have confirmed another push since, too. */
  force?: boolean;
  pushing?: PushProgram;
}

const MAX_CONCURRENT = 8;
const PUSH_PROGRAM = "../push/main";
const pushProgram: PushProgram = { confirmed: confirmedPush, apply: runPush };

/** Pushes in rounds: relays first, because other hosts may be reached only through them. A failure does not stop other pushes. */
export async function pushAgain(
  rounds: readonly RecordedPush[][],
  { force = false, pushing = pushProgram }: PushAgainOptions = {},
): Promise<RepushResult[]> {
  const done: RepushResult[] = [];
  const all = rounds.flat().length;
  const progressText = () => `pushed to ${done.length} of ${all} ${all === 1 ? "host" : "hosts"}`;
  await withProgress(progressText, async (update) => {
    const push = async (recorded: RecordedPush): Promise<void> => {
      done.push(await pushOne(recorded, force, pushing));
      update();
    };
    for (const round of rounds) await forEachConcurrently(round, push, MAX_CONCURRENT);
  });
  return done;
}

async function pushOne(
  recorded: RecordedPush,
  force: boolean,
  pushing: PushProgram,
): Promise<RepushResult> {
  const { node, serial } = recorded;
  try {
    const request = JSON.parse(recorded.request.reveal()) as PushRequest;
    const age = ageOf(await pushing.confirmed(request), recorded);
    if (!force && age !== "same" && age !== "older") throw new PushError(refusal(node, age));
    const { outcome, through } = await pushing.apply(
      serial === null ? request : { ...request, serial },
    );
    return { node, outcome, through, reason: null, wasSetBack: age === "older" };
  } catch (error) {
    if (!(error instanceof PushError)) throw error;
    const reason = error.reason(node);
    return { node, outcome: "failed", through: null, reason, wasSetBack: false };
  }
}

/** Compares the push that a host has confirmed with the recorded one: a newer one is not replaced. */
type Age = "same" | "older" | "newer" | "unknown";

function ageOf(confirmed: ConfirmedPush | null, recorded: RecordedPush): Age {
  if (confirmed === null || confirmed.digest === recorded.digest) return "same";
  const { serial } = recorded;
  if (confirmed.serial === 0 || serial === null || confirmed.serial === serial) return "unknown";
  return confirmed.serial < serial ? "older" : "newer";
}

/** A newer one was made by an `up` that is not in this state: another operator's, or an interrupted one. */
function refusal(node: string, age: "newer" | "unknown"): string {
  const [what, otherwise] =
    age === "newer"
      ? ["a newer config than", "that changes nothing there"]
      : [
          "another config than",
          "that changes nothing there, as on a host that was restored from a backup",
        ];
  return [
    `${node}: its host has confirmed ${what} this stack's state records, so nothing was sent to it.`,
    "Run `npx wireguard-mesh up`, which pushes the newest.",
    `If ${otherwise}, send it the config of the last up here: npx wireguard-mesh repush ${node} --force`,
  ].join("\n");
}

async function confirmedPush(request: PushRequest): Promise<ConfirmedPush | null> {
  const { owner, confirmed } = (await observeHost(request)).observed.records;
  return owner?.stack === request.owner && confirmed?.digest !== "" ? confirmed : null;
}

/** Runs the push program in its own process, which has its own time limits and lock, and ends if this process ends. */
export function runPush(request: PushRequest): Promise<PushResult> {
  const child = spawn(process.execPath, [require.resolve(PUSH_PROGRAM), "apply"], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => undefined);
  child.stdin.end(JSON.stringify(request));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(JSON.parse(stdout) as PushResult);
      else reject(new PushError(stderr.trim()));
    });
  });
}
