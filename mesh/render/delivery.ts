/** What was handed over to a device: a fingerprint of it, by which a later look tells that it is out of date, and in what. */
import { sha256 } from "@noble/hashes/sha2";
import { bytesToHex } from "@noble/hashes/utils";
import type { NodePlan, Plan } from "../plan/plan";
import { HIDDEN } from "../secret";
import { renderRedacted } from "./render";

/** Facts, no secrets: they stand in the stack file, under `delivered`. */
export interface Delivery {
  /** The first 16 hex digits of the sha256 of the file with its secrets hidden. */
  config: string;
  /** Public keys in it, by node. */
  knows: Record<string, string>;
}

/** `text`: the file as it was handed over. */
export function deliveryOf(text: string, node: NodePlan, plan: Plan): Delivery {
  const handed = text.replace(/^(PrivateKey|PresharedKey) = .*$/gm, `$1 = ${HIDDEN}`);
  const planned = renderRedacted(node, plan.network);
  // The plan does not know the address of an ec2 relay, and the file does.
  const same = withoutMade(handed, planned) === withoutMade(planned, planned);
  const sections = [...handed.matchAll(/^# ([a-z0-9-]+).*\n\[Peer\]\nPublicKey = (.*)$/gm)];
  return {
    config: fingerprint(same ? planned : handed),
    knows: Object.fromEntries(sections.map(([, name = "", key = ""]) => [name, key])),
  };
}

/** Why a device needs its new config, in words; empty: it has got what the plan says. */
export function outdatedBy(delivery: Delivery, node: NodePlan, plan: Plan): string[] {
  if (delivery.config === fingerprint(renderRedacted(node, plan.network))) return [];
  const keys = node.sections.flatMap(({ name, publicKey }) =>
    (delivery.knows[name] ?? publicKey) === publicKey ? [] : [`${name} has another key now`],
  );
  return keys.length > 0 ? keys : ["its config has changed"];
}

function fingerprint(text: string): string {
  return bytesToHex(sha256(new TextEncoder().encode(text))).slice(0, 16);
}

/** Without the hosts of those endpoint lines that are placeholders in the plan. */
function withoutMade(text: string, planned: string): string {
  const made = planned.split("\n").map((line) => line.includes("<"));
  const lines = text.split("\n");
  return lines
    .map((line, at) => (made[at] === true ? line.replace(/^(Endpoint = ).*(:\d+)$/, "$1$2") : line))
    .join("\n");
}
