/** The pushes that the stack's state records: what each host was told by the last `up` that reached it. */
import { isMap } from "../../mesh/config/shape-issues";
import type { PushRequest, PushResult } from "../../mesh/push-request";
import { Secret } from "../../mesh/secret";
import { askEngine, complaintOf, onStack } from "./engine";
import { Failure } from "./failure";
import type { Stack } from "./project";

export interface RecordedPush {
  node: string;
  /** A PushRequest as JSON text. */
  request: Secret;
  /** PushResult.digest: what the host confirmed. */
  digest: string;
}

/** By node. The secrets in it come through a pipe from the engine, decrypted, and go nowhere but into Secret. */
export async function readRecordedPushes(stack: Stack): Promise<Map<string, RecordedPush>> {
  const answer = await askEngine(
    stack.project,
    onStack(stack, "stack", "export", "--show-secrets"),
  );
  if (answer.exitCode !== 0) {
    throw new Failure(
      `the engine did not give the stack's state: ${complaintOf(answer)}`,
      `see that this works: pulumi stack export --stack ${stack.name}`,
    );
  }
  return parseState(answer.stdout);
}

/** `state`: what `pulumi stack export --show-secrets` prints. */
export function parseState(state: string): Map<string, RecordedPush> {
  const resources = member(member(parse(state), "deployment"), "resources");
  const pushes = (Array.isArray(resources) ? resources : []).flatMap(recordedPush);
  return new Map(pushes.map((push) => [push.node, push]));
}

/** One that is on its way out (`delete`) is what a former machine was told. */
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

/** A secret is an object that holds its value as JSON text. */
function plainText(value: unknown): string | null {
  const sealed = member(value, "plaintext");
  const inner = typeof sealed === "string" ? parse(sealed) : value;
  return typeof inner === "string" ? inner : null;
}

function member(value: unknown, name: string): unknown {
  return isMap(value) ? value[name] : undefined;
}

/** Undefined for what is no JSON; its error would quote the text. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
