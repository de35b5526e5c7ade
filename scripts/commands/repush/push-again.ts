/** Sends hosts once more what the stack's state says that they were told, past the engine, which sees no change. */
import { spawn } from "node:child_process";
import type { PushRequest, PushResult } from "../../../mesh/push-request";
import { hostFacts } from "../../push/facts";
import { PushError } from "../../push/push-error";
import type { RecordedPush } from "../../stack/recorded-pushes";

export interface Repushed {
  node: string;
  /** `unchanged`: the host was as it should be. `failed`: see `reason`. */
  outcome: PushResult["outcome"] | "failed";
  through: string | null;
  /** Words for people; null when there is nothing to say. */
  reason: string | null;
}

const AT_ONCE = 8;
const PUSH_PROGRAM = "../../push/main";

/** What it needs of the world; tests give their own. */
export interface Pushing {
  /** PushResult.digest of what the host confirmed last; null where nothing of ours is there. */
  confirmed(request: PushRequest): Promise<string | null>;
  apply(request: string): Promise<PushResult>;
}

const really: Pushing = { confirmed: confirmedDigest, apply };

/** In rounds, each when the former is done: the relays, then those who may be behind them. A round's failure stops no other. */
export async function pushAgain(rounds: RecordedPush[][], pushing = really): Promise<Repushed[]> {
  const done: Repushed[] = [];
  for (const round of rounds) {
    const waiting = [...round];
    const worker = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        done.push(await pushOne(next, pushing));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }
  return done;
}

/**
 * A host that has confirmed something else since was converged by an `up` that this state knows nothing of: of another
 * operator, or interrupted. What is recorded here may be older, and an older config must never come after a newer one.
 */
async function pushOne(
  { node, request, digest }: RecordedPush,
  pushing: Pushing,
): Promise<Repushed> {
  try {
    const confirmed = await pushing.confirmed(JSON.parse(request.reveal()) as PushRequest);
    if (confirmed !== null && confirmed !== digest) {
      throw new PushError(
        `${node}: its host has confirmed another config than this stack's state records, so nothing was sent to it.\n` +
          "Run `npx wireguard-mesh up`, which knows the newest.",
      );
    }
    const { outcome, through } = await pushing.apply(request.reveal());
    return { node, outcome, through, reason: null };
  } catch (problem) {
    if (!(problem instanceof PushError)) throw problem;
    const reason = problem.message.replace(`${node}: `, "");
    return { node, outcome: "failed", through: null, reason };
  }
}

async function confirmedDigest(request: PushRequest): Promise<string | null> {
  const facts = await hostFacts(request);
  return facts.owner === request.owner ? facts.digest : null;
}

/** By the push program itself, with its own bounds and lock; it ends when this process does. */
function apply(request: string): Promise<PushResult> {
  const child = spawn(process.execPath, [require.resolve(PUSH_PROGRAM), "apply"], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => undefined);
  child.stdin.end(request);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(JSON.parse(stdout) as PushResult);
      else reject(new PushError(stderr.trim()));
    });
  });
}
