/** Records which configs were delivered to devices. Later runs use the records to find outdated configs and the reasons. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { isMap } from "../config/shape-issues";
import type { NodePlan, Plan } from "../plan/plan";
import { HIDDEN } from "../secret";
import { renderRedacted } from "./render";

/** One record under `delivered` in the stack file. Contains no secrets. */
interface Delivery {
  /** `fingerprintOf` the file with its secrets as `(hidden)`. */
  config: string;
  /** Public keys in the file, by node. */
  knows: Record<string, string>;
  /** `fingerprintOf` the file, so that it changes with the secrets too. Null in records without it. */
  file: string | null;
}

/** A node whose device does not have its current config, with the reasons. */
export interface Outdated {
  node: string;
  why: string[];
}

/** The reason if a config was never delivered. */
export const NEVER_DELIVERED = "it was not given its config yet";

/** The first 16 hex digits of the SHA-256 of a file. Safe to show: it does not reveal the random 256-bit keys in the file. */
export function fingerprintOf(file: string): string {
  return bytesToHex(sha256(new TextEncoder().encode(file))).slice(0, 16);
}

/** The record for a delivered file. */
export function deliveryOf(text: string, node: NodePlan, plan: Plan): Delivery & { file: string } {
  const redacted = text.replace(/^(PrivateKey|PresharedKey) = .*$/gm, `$1 = ${HIDDEN}`);
  const planned = renderRedacted(node, plan.network);
  // For the address of an ec2 relay, the plan contains a placeholder.
  const same =
    withoutPlaceholderHosts(redacted, planned) === withoutPlaceholderHosts(planned, planned);
  const sections = [...redacted.matchAll(/^# ([a-z0-9-]+).*\n\[Peer\]\nPublicKey = (.*)$/gm)];
  return {
    config: fingerprintOf(same ? planned : redacted),
    knows: Object.fromEntries(sections.map(([, name = "", key = ""]) => [name, key])),
    file: fingerprintOf(text),
  };
}

/**
 * The nodes without a host that need a config: their first or a new one. `delivered` is the unvalidated record in the config.
 * `files`: fingerprints of the current files by node, empty before the first `up`; a node without one is never "not delivered".
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
    const first = file === undefined ? [] : [NEVER_DELIVERED];
    const why = delivery === null ? first : outdatedBy(delivery, node, plan, file);
    return why.length === 0 ? [] : [{ node: node.name, why }];
  });
}

/** The nodes whose delivered config differs from the plan. Changes of secrets are not found. */
export function outdatedDeliveries(plan: Plan, delivered: unknown): Outdated[] {
  const given = (name: string) => deliveryIn(delivered, name) !== null;
  return needingConfig(plan, delivered, new Map()).filter(({ node }) => given(node));
}

/** Null unless the record is valid. */
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

/** Why a device needs a new config, as human-readable reasons; empty if its config is current. */
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
    Object.hasOwn(delivery.knows, name) && delivery.knows[name] !== publicKey
      ? [`${name} has another key now`]
      : [],
  );
  return keys.length > 0 ? keys : ["its config has changed"];
}

/** The text without the hosts of `Endpoint` lines that have a placeholder in the planned text. */
function withoutPlaceholderHosts(text: string, planned: string): string {
  const placeholders = planned.split("\n").map((line) => line.includes("<"));
  const lines = text.split("\n");
  return lines
    .map((line, at) =>
      placeholders[at] === true ? line.replace(/^(Endpoint = ).*(:\d+)$/, "$1$2") : line,
    )
    .join("\n");
}
