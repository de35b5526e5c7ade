/** The differences between a host and the plan, as text. */
import type { Confirmed } from "../../mesh/host/confirmed";
import type { BootDifference, Differences, LiveDifference } from "../../mesh/host/difference";
import { differences } from "../../mesh/host/differences";
import { formatDifference } from "../../mesh/host/format-difference";
import type { Observation } from "../../mesh/host/observation";
import { initName, pathsOf, wgQuickUnit } from "../../mesh/host/paths";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { namesByKey } from "../../mesh/plan/rotation";
import { plannedState, type Planned } from "./planned-state";

/** One line per difference, those of the running system first. */
export function driftOf(node: NodePlan, planned: Planned, observed: Observation): string[] {
  const { interface: name } = planned.plan.network;
  const { records, pending } = observed;
  // The digest needs the secrets. Its parts are compared one by one, so the host's own digest is used.
  const wanted = plannedState(node, planned, records.confirmed?.digest ?? "");
  const found = differences(observed, wanted);
  const whole = found.live.find((it) => coversAll(it, name));
  const isUnconfirmed = pending !== null || records.pendingOfFormat2 !== null;
  const all = whole === undefined ? [...found.live, ...bootDrift(found, observed, name)] : [whole];
  const names = namesOfKeys(planned.plan);
  const lines = all.map((difference) => formatDifference(difference, names, name));
  return [...new Set([...(isUnconfirmed ? ["a change is not confirmed"] : []), ...lines])];
}

/** Whether the interface is missing or belongs to another owner, so that all other differences follow from it. */
function coversAll(difference: LiveDifference, name: string): boolean {
  const { kind } = difference;
  if (kind === "owner") return true;
  return kind === "interface" && difference.interface === name && difference.is === "missing";
}

/**
 * Edited files always count. Outdated files are left out if the running state differs too. Files in the format of an older
 * version are no difference; the next push updates them.
 */
function bootDrift(
  { boot, live }: Differences,
  { records }: Observation,
  name: string,
): BootDifference[] {
  const { confirmed, confirmedFile, owner } = records;
  if (owner === null) return boot.filter(({ kind }) => kind === "owner-mark");
  if (confirmed === null) return boot.filter(({ kind }) => kind === "record");
  const byHand = boot.filter((it) => isManual(it, confirmed, name));
  return live.length > 0 || confirmedFile === null ? byHand : boot;
}

/** Reports whether the difference was made by hand, after the last push. */
function isManual(difference: BootDifference, { forwarding }: Confirmed, name: string): boolean {
  switch (difference.kind) {
    case "start":
      return [wgQuickUnit(name), initName(name)].includes(difference.name);
    case "file": {
      const { path, is } = difference;
      const { live, dropIn } = pathsOf(name);
      if (path === live) return is === "edited" || is === "missing";
      return path === dropIn && is === (forwarding.ipv4 || forwarding.ipv6 ? "missing" : "extra");
    }
    case "hosts":
    case "dns":
    case "ticker":
      return true;
    case "record":
    case "owner-mark":
      return false;
  }
}

/** Names of nodes by public key; during a rotation a node has two keys. */
function namesOfKeys({ nodes }: Plan): Map<string, string> {
  const next = nodes.flatMap(({ name, nextPublicKey }) =>
    nextPublicKey === null ? [] : [[nextPublicKey, `${name} (next key)`] as const],
  );
  return new Map([...namesByKey(nodes), ...next]);
}
