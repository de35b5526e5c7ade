/** What was handed over to a device: a fingerprint of it, by which a later look tells that it is out of date, and in what. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { isMap } from "../config/shape-issues";
import type { NodePlan, Plan } from "../plan/plan";
import { HIDDEN } from "../secret";
import { renderRedacted } from "./render";

/** Facts, no secrets: they stand in the stack file, under `delivered`. */
export interface Delivery {
  /** The first 16 hex digits of the sha256 of the file with its secrets hidden. */
  config: string;
  /** Public keys in it, by node. */
  knows: Record<string, string>;
  /** `fingerprintOf` the file: other secrets alone are another one. Null where it was not written down. */
  file: string | null;
}

/** A node whose device has not got the config that is the right one now. */
export interface Outdated {
  node: string;
  why: string[];
}

/** Of a file with its secrets. It gives nothing away: a key is 256 random bits, and this is 64 bits of a digest. */
export function fingerprintOf(file: string): string {
  return bytesToHex(sha256(new TextEncoder().encode(file))).slice(0, 16);
}

/** `text`: the file as it was handed over. */
export function deliveryOf(text: string, node: NodePlan, plan: Plan): Delivery & { file: string } {
  const handed = text.replace(/^(PrivateKey|PresharedKey) = .*$/gm, `$1 = ${HIDDEN}`);
  const planned = renderRedacted(node, plan.network);
  // The plan does not know the address of an ec2 relay, and the file does.
  const same = withoutMade(handed, planned) === withoutMade(planned, planned);
  const sections = [...handed.matchAll(/^# ([a-z0-9-]+).*\n\[Peer\]\nPublicKey = (.*)$/gm)];
  return {
    config: fingerprintOf(same ? planned : handed),
    knows: Object.fromEntries(sections.map(([, name = "", key = ""]) => [name, key])),
    file: fingerprintOf(text),
  };
}

/**
 * The nodes that need their config, of those that are not pushed to: a new one, or their first. `delivered`: the record in the
 * config, as it was found there. `files`: fingerprints of the files that there are; before the first `up` there are none.
 */
export function needingConfig(
  plan: Plan,
  delivered: unknown,
  files: ReadonlyMap<string, string>,
): Outdated[] {
  return plan.nodes.flatMap((node) => {
    if (node.hosts.length > 0) return [];
    const delivery = deliveryIn(delivered, node.name);
    const file = files.get(node.name);
    const first = file === undefined ? [] : ["it was not given its config yet"];
    const why = delivery === null ? first : outdatedBy(delivery, node, plan, file);
    return why.length === 0 ? [] : [{ node: node.name, why }];
  });
}

/** Those of them that were given one, and need another by what the plan says. */
export function outdatedDeliveries(plan: Plan, delivered: unknown): Outdated[] {
  const given = (name: string) => deliveryIn(delivered, name) !== null;
  return needingConfig(plan, delivered, new Map()).filter(({ node }) => given(node));
}

/** Null for what nobody of ours wrote. */
function deliveryIn(delivered: unknown, name: string): Delivery | null {
  const value = isMap(delivered) && Object.hasOwn(delivered, name) ? delivered[name] : undefined;
  if (!isMap(value) || typeof value["config"] !== "string") return null;
  const knows = isMap(value["knows"]) ? value["knows"] : {};
  const keys = Object.entries(knows).flatMap(([name, key]) =>
    typeof key === "string" ? [[name, key] as const] : [],
  );
  const file = typeof value["file"] === "string" ? value["file"] : null;
  return { config: value["config"], knows: Object.fromEntries(keys), file };
}

/** Why a device needs its new config, in words; empty: it has got what the plan says. */
function outdatedBy(
  delivery: Delivery,
  node: NodePlan,
  plan: Plan,
  file: string | undefined,
): string[] {
  if (delivery.config === fingerprintOf(renderRedacted(node, plan.network))) {
    const same = delivery.file === null || file === undefined || delivery.file === file;
    return same ? [] : ["its own key or preshared keys have changed"];
  }
  const keys = node.sections.flatMap(({ name, publicKey }) =>
    (delivery.knows[name] ?? publicKey) === publicKey ? [] : [`${name} has another key now`],
  );
  return keys.length > 0 ? keys : ["its config has changed"];
}

/** Without the hosts of those endpoint lines that are placeholders in the plan. */
function withoutMade(text: string, planned: string): string {
  const made = planned.split("\n").map((line) => line.includes("<"));
  const lines = text.split("\n");
  return lines
    .map((line, at) => (made[at] === true ? line.replace(/^(Endpoint = ).*(:\d+)$/, "$1$2") : line))
    .join("\n");
}
