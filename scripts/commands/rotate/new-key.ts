/** A new key pair for a node, made where its custody says. */
import type { NodePlan, Plan } from "../../../mesh/plan/plan";
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
  if (given !== undefined) return { publicKey: parsePublicKey(given), privateKey: null };
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

/** A Failure with the push program's words where the host cannot be asked. */
export async function keyMadeOn(node: NodePlan, plan: Plan, stack: Stack): Promise<string> {
  try {
    return await makeOwnKey(hostAccess(node, await openAccess(stack, plan)));
  } catch (problem) {
    if (problem instanceof PushError) throw new Failure(problem.message);
    throw problem;
  }
}
