/** Repeats the last push that the state records, which the engine does not do, because it sees no change. */
import { spawn } from "node:child_process";
import { isMap } from "../../mesh/config/shape-issues";
import type { Plan } from "../../mesh/plan/plan";
import type { PushRequest, PushResult } from "../../mesh/push-request";
import { Secret } from "../../mesh/secret";
import { hostFacts } from "../push/facts";
import { PushError } from "../push/push-error";
import { queryStack } from "./engine";
import { Failure, nodeNamed } from "./failure";
import type { StackRef } from "./project";

/** The last push of one host that succeeded, from the stack's state. */
export interface RecordedPush {
  node: string;
  /** A PushRequest as JSON text. */
  request: Secret;
  /** PushResult.digest: what the host confirmed. */
  digest: string;
}

export interface Repushed {
  node: string;
  /** `unchanged`: the host already had that config. `failed`: see `reason`. */
  outcome: PushResult["outcome"] | "failed";
  through: string | null;
  /** Why it failed, else null. */
  reason: string | null;
}

/**
 * The recorded pushes in the order of `pushAgain`: relays, then peers. `names` null: all nodes that were ever pushed to.
 * @throws Failure when one of `names` was not.
 */
export async function recordedRounds(
  stack: StackRef,
  plan: Plan,
  names: readonly string[] | null,
): Promise<RecordedPush[][]> {
  const wanted = names?.map((name) => nodeNamed(name, plan.nodes)) ?? plan.nodes;
  const args = ["stack", "export", "--show-secrets"];
  const recorded = parseState(await queryStack(stack, args, "the stack's state"));
  const missing = wanted.find(({ name }) => !recorded.has(name));
  if (names !== null && missing !== undefined) {
    const { name, hosts } = missing;
    throw hosts.length === 0
      ? new Failure(`${name} is not pushed to`, `its config: npx wireguard-mesh config ${name}`)
      : new Failure(`${name} has never been pushed to`, "npx wireguard-mesh up");
  }
  return (["relay", "peer"] as const).map((kind) =>
    plan.nodes
      .filter((node) => node.kind === kind && wanted.includes(node))
      .flatMap((node) => recorded.get(node.name) ?? []),
  );
}

/** `state`: the output of `pulumi stack export --show-secrets`. By node. */
export function parseState(state: string): Map<string, RecordedPush> {
  const resources = member(member(parse(state), "deployment"), "resources");
  const pushes = (Array.isArray(resources) ? resources : []).flatMap(recordedPush);
  return new Map(pushes.map((push) => [push.node, push]));
}

/** A resource marked `delete` is the push to the node's previous machine. */
function recordedPush(resource: unknown): RecordedPush[] {
  if (member(resource, "type") !== "command:local:Command") return [];
  if (member(resource, "delete") === true) return [];
  const request = plainText(member(member(resource, "inputs"), "stdin"));
  const result = parse(plainText(member(member(resource, "outputs"), "stdout")) ?? "");
  const node = member(parse(request ?? ""), "node" satisfies keyof PushRequest);
  const digest = member(result, "digest" satisfies keyof PushResult);
  if (request === null || typeof node !== "string" || typeof digest !== "string") return [];
  return [{ node, request: Secret.of(request), digest }];
}

/** A secret is an object with its value as JSON text. */
function plainText(value: unknown): string | null {
  const plaintext = member(value, "plaintext");
  const inner = typeof plaintext === "string" ? parse(plaintext) : value;
  return typeof inner === "string" ? inner : null;
}

function member(value: unknown, name: string): unknown {
  return isMap(value) ? value[name] : undefined;
}

/** Undefined for invalid JSON: the error of JSON.parse quotes the text, which is secret. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Replaced in tests. */
interface Pushing {
  /** PushResult.digest of the host's last confirmed push; null where nothing of this stack is installed. */
  confirmed(request: PushRequest): Promise<string | null>;
  apply(request: string): Promise<PushResult>;
}

const AT_ONCE = 8;
const PUSH_PROGRAM = "../push/main";
const pushProgram: Pushing = { confirmed: confirmedDigest, apply };

/** Round after round: relays first, then the hosts that may only be reached through them. A failure stops no other push. */
export async function pushAgain(
  rounds: readonly RecordedPush[][],
  pushing = pushProgram,
): Promise<Repushed[]> {
  const done: Repushed[] = [];
  for (const round of rounds) {
    const queue = [...round];
    const worker = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        done.push(await pushOne(next, pushing));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }
  return done;
}

/**
 * If the host has confirmed another config, an `up` that is not in this state has changed it: another operator's, or an
 * interrupted one. The recorded config may be older, so it is not sent.
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
          "Run `npx wireguard-mesh up`, which pushes the newest.",
      );
    }
    const { outcome, through } = await pushing.apply(request.reveal());
    return { node, outcome, through, reason: null };
  } catch (error) {
    if (!(error instanceof PushError)) throw error;
    const reason = error.message.replace(`${node}: `, "");
    return { node, outcome: "failed", through: null, reason };
  }
}

async function confirmedDigest(request: PushRequest): Promise<string | null> {
  const facts = await hostFacts(request);
  return facts.owner === request.owner ? facts.digest : null;
}

/** Runs the push program in a process of its own, which has its own time limits and lock, and ends with this one. */
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
