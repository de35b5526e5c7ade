/** What the last `up` made on EC2, as its outputs say: facts that no config has and every way onto such a host needs. */
import { isMap } from "../../mesh/config/shape-issues";
import { fillFacts, relaysAwaited, type InstanceFacts } from "../../mesh/render/known-facts";
import { PushError } from "../push/push-error";
import { readOutputs } from "./outputs";
import type { Stack } from "./project";

export interface MadeInstances {
  /** By the relay's name; a relay that was never made is not in it. */
  facts: InstanceFacts;
  /** The public key of the authority that vouches for them; null before the first `up`. */
  authorityKey: string | null;
}

export const NONE_MADE: MadeInstances = { facts: {}, authorityKey: null };

/** Asks the engine. None of it is secret. */
export async function readMadeInstances(stack: Stack): Promise<MadeInstances> {
  return madeInstances(await readOutputs(stack));
}

/** `outputs`: what `pulumi stack output --json` prints. */
export function madeInstances(outputs: unknown): MadeInstances {
  if (!isMap(outputs)) return NONE_MADE;
  const { relays, sshAuthority } = outputs;
  const entries = Object.entries(isMap(relays) ? relays : {}).flatMap(([name, relay]) => {
    const instance = isMap(relay) ? relay["instance"] : undefined;
    if (!isMap(instance)) return [];
    const { id, address } = instance;
    if (typeof id !== "string" || typeof address !== "string") return [];
    return [[name, { instanceId: id, address }] as const];
  });
  return {
    facts: Object.fromEntries(entries),
    authorityKey: typeof sshAuthority === "string" ? sshAuthority : null,
  };
}

/**
 * The same value with the facts in the place of what stands for them.
 * @throws PushError in a node's name, when the instance of a relay on its way was never made.
 */
export function withMadeInstances<T>(node: string, value: T, { facts }: MadeInstances): T {
  const text = JSON.stringify(value);
  const [unmade] = relaysAwaited(text).filter((relay) => !(relay in facts));
  if (unmade === undefined) return JSON.parse(fillFacts(text, facts)) as T;
  throw new PushError(
    `${node}: ${unmade === node ? "its EC2 instance" : `the EC2 instance of its relay ${unmade}`} was not made yet. ` +
      "To make it: npx wireguard-mesh up",
  );
}
