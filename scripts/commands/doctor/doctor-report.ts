/** What `doctor` found, for people and for machines. */
import { silentDevices } from "../../../mesh/doctor/device-checks";
import { diagnose, reachedHosts } from "../../../mesh/doctor/diagnosis";
import type { Finding } from "../../../mesh/doctor/facts";
import { policyNotes } from "../../../mesh/doctor/policy-checks";
import type { Examination } from "../../stack/examine";

export interface DoctorReport {
  /** Nothing was found. */
  ok: boolean;
  findings: Finding[];
  /** Nodes that were examined, without those of findings. */
  well: string[];
  /** Nodes that could not be judged: devices that are off, and what waits for a finding. */
  unknown: string[];
  notes: string[];
}

export function doctorReport({ facts, notes }: Examination): DoctorReport {
  const findings = diagnose(facts);
  const sick = new Set(findings.map(({ node }) => node));
  const away = new Set(silentDevices(facts, reachedHosts(facts)).map(({ node }) => node.name));
  const asked = facts.plan.nodes
    .map(({ name }) => name)
    .filter((name) => facts.names.length === 0 || facts.names.includes(name))
    .filter((name) => !sick.has(name));
  const isUnknown = (name: string) =>
    away.has(name) || facts.hosts.get(name)?.kind === "unreached" || isUnseen(name);
  const seen = new Set(
    facts.plan.links.flatMap(({ a, b }) => [
      ...(facts.hosts.get(a)?.kind === "reached" ? [b] : []),
      ...(facts.hosts.get(b)?.kind === "reached" ? [a] : []),
    ]),
  );
  const isUnseen = (name: string) => !facts.hosts.has(name) && !seen.has(name);
  return {
    ok: findings.length === 0,
    findings,
    well: asked.filter((name) => !isUnknown(name)),
    unknown: asked.filter(isUnknown),
    notes: [...policyNotes(facts), ...notes],
  };
}
