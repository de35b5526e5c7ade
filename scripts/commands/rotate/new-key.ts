/** A new key pair for a node, made where its custody says. */
import type { NodePlan, Plan } from "../../../mesh/plan/plan";
import { Mistake } from "../../../mesh/config/mistake";
import { parsePublicKey } from "../../../mesh/config/values";
import { makeOwnKey } from "../../push/own-key";
import { PushError } from "../../push/push-error";
import { Failure } from "../../stack/failure";
import { makeKeyPair } from "../../stack/key-pair";
import { hostAccess, openAccess } from "../../stack/network";
import type { Stack } from "../../stack/project";
import type { NewKey } from "./key-edits";

/** `given`: the public key of a device that has made the pair itself. */
export async function newKeyFor(
  node: NodePlan,
  plan: Plan,
  stack: Stack,
  given: string | undefined,
): Promise<NewKey> {
  if (given !== undefined) {
    if (node.hosts.length > 0) throw hasHost(node);
    return { publicKey: publicKeyGiven(given), privateKey: null };
  }
  switch (node.custody) {
    case "config":
      return makeKeyPair();
    case "host":
      return { publicKey: await keyMadeOn(node, plan, stack), privateKey: null };
    case "device":
      throw new Failure(
        `${node.name} keeps its private key to itself, so only it can make another`,
        `make a pair there (wg genkey | tee key | wg pubkey), and give the public one: npx wireguard-mesh rotate ${node.name} --public-key KEY`,
        2,
      );
  }
}

/** It would wait for ever for a private key that no push brings. */
function hasHost({ name }: NodePlan): Failure {
  return new Failure(
    `${name} is pushed to, so its key is made by the stack, or on its host`,
    `npx wireguard-mesh rotate ${name}; to have it made on the host and kept there: npx wireguard-mesh keygen ${name}`,
    2,
  );
}

function publicKeyGiven(text: string): string {
  try {
    return parsePublicKey(text);
  } catch (problem) {
    if (!(problem instanceof Mistake)) throw problem;
    throw new Failure(`--public-key ${problem.message}`, problem.remedy, 2);
  }
}

/** A Failure with the push program's words where the host cannot be asked. */
export async function keyMadeOn(node: NodePlan, plan: Plan, stack: Stack): Promise<string> {
  try {
    return await makeOwnKey(hostAccess(node, await openAccess(stack, plan)));
  } catch (problem) {
    if (problem instanceof PushError) throw new Failure(problem.message);
    throw problem;
  }
}
