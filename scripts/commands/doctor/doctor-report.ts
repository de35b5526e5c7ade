/** The findings of `doctor`, for text and JSON output. */
import { untestedHosts } from "../../../mesh/doctor/affected";
import { silentDevices } from "../../../mesh/doctor/device-checks";
import { diagnose, hostsToProbe, reachedHosts } from "../../../mesh/doctor/diagnosis";
import { roamedNotes } from "../../../mesh/doctor/endpoint-checks";
import type { Finding } from "../../../mesh/doctor/facts";
import { policyNotes } from "../../../mesh/doctor/policy-checks";
import type { Examination } from "../../stack/examine";

export interface DoctorReport {
  /** Nothing was found. */
  ok: boolean;
  findings: Finding[];
  /** Nodes that were examined, without those that a finding is about or affects. */
  well: string[];
  /** Nodes whose state is unknown: devices that are off, and nodes behind those with findings. */
  unknown: string[];
  notes: string[];
}

export function doctorReport({ facts, notes }: Examination): DoctorReport {
  const { plan, hosts, names } = facts;
  const findings = diagnose(facts);
  const faulty = new Set(findings.flatMap(({ node, affects }) => [node, ...affects]));
  const away = new Set(silentDevices(facts, reachedHosts(facts)).map(({ node }) => node.name));
  const tested = hostsToProbe(facts);
  const waiting = untestedHosts(facts, tested);
  const isReached = (name: string) => hosts.get(name)?.kind === "reached";
  const seen = new Set(
    plan.links.flatMap(({ a, b }) => [...(isReached(a) ? [b] : []), ...(isReached(b) ? [a] : [])]),
  );
  const isKnown = (name: string) =>
    (isReached(name) && !waiting.has(name)) ||
    (!hosts.has(name) && seen.has(name) && !away.has(name));
  const others = plan.nodes
    .map(({ name }) => name)
    .filter((name) => (names.length === 0 || names.includes(name)) && !faulty.has(name));
  return {
    ok: findings.length === 0,
    findings,
    well: others.filter(isKnown),
    unknown: others.filter((name) => !isKnown(name)),
    notes: [...policyNotes(facts), ...roamedNotes(facts, tested), ...notes],
  };
}
