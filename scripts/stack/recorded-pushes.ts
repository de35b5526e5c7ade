/** Reads the last push to each host from the stack's state. */
import { isMap } from "../../mesh/config/shape-issues";
import type { Plan } from "../../mesh/plan/plan";
import type { PushRequest, PushResult } from "../../mesh/push-request";
import { Secret } from "../../mesh/secret";
import { queryStack } from "./engine";
import { Failure, findNode } from "./failure";
import type { StackRef } from "./project";

/** The last push of one host that succeeded, from the stack's state. */
export interface RecordedPush {
  node: string;
  /** A PushRequest as JSON text. */
  request: Secret;
  /** PushResult.digest: what the host confirmed. */
  digest: string;
  /** PushResult.serial; null in states of older versions. */
  serial: number | null;
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
  const wanted = names?.map((name) => findNode(name, plan.nodes)) ?? plan.nodes;
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
  const serial = member(result, "serial" satisfies keyof PushResult);
  if (request === null || typeof node !== "string" || typeof digest !== "string") return [];
  return [
    {
      node,
      request: Secret.of(request),
      digest,
      serial: typeof serial === "number" && serial > 0 ? serial : null,
    },
  ];
}

/** A secret is an object with its value as JSON text. */
function plainText(value: unknown): string | null {
  const plaintext = member(value, "plaintext");
  const inner = typeof plaintext === "string" ? parse(plaintext) : value;
  return typeof inner === "string" ? inner : null;
}

function member(value: unknown, name: string): unknown {
  return isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** Undefined for invalid JSON: the error of JSON.parse quotes the text, which is secret. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
