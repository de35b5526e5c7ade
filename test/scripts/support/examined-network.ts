/** The network of planned-network.ts as `doctor` has examined it: all is well, but for what a case says. */
import { diagnose } from "../../../mesh/doctor/diagnosis";
import type { Facts, HostFacts, Unreached } from "../../../mesh/doctor/facts";
import type { Probes } from "../../../mesh/doctor/probes";
import type { Plan } from "../../../mesh/plan/plan";
import { driftOf } from "../../../scripts/stack/drift";
import { plannedState, withPresharedKeys } from "../../../scripts/stack/planned-state";
import * as by from "./hand-edits";
import { nodeOf, privateKeyOf } from "./network";
import { asPlanned, NOW, plan, plannedAs } from "./planned-network";

type Pings = Record<string, number | null>;

export const TOKYO = "10.86.0.1";
export const NAS = "10.86.0.2";
export const VPS = "10.86.0.4";
const ALL: Record<string, Pings> = {
  tokyo: { [NAS]: 5, [VPS]: 7 },
  nas: { [TOKYO]: 5, [VPS]: 12 },
  vps: { [TOKYO]: 7, [NAS]: 12 },
};
const NOTHING: Probes = { pings: new Map(), sizes: new Map(), full: [] };

export interface Case {
  edits?: Record<string, by.Edit>;
  /** What they report after the pings. */
  later?: Record<string, by.Edit>;
  pings?: Record<string, Pings>;
  probes?: Record<string, Partial<Probes>>;
  off?: Record<string, Pick<Unreached, "check" | "cause" | "remedy">>;
  names?: string[];
  of?: Plan;
  compared?: boolean;
}

export function factsOf({ of = plan, ...one }: Case): Facts {
  const hosts = ["nas", "tokyo", "vps"].map((name): [string, HostFacts | Unreached] => {
    const node = nodeOf(of, name);
    const off = one.off?.[name];
    if (off !== undefined) return [name, { kind: "unreached", node, ...off }];
    const asIs = asPlanned(of, name);
    const observed = one.edits?.[name]?.(asIs) ?? asIs;
    const planned = plannedState(node, plannedAs(of), observed.records.confirmed?.digest ?? "");
    const pings = new Map(Object.entries({ ...ALL[name], ...one.pings?.[name] }));
    const later = one.later?.[name];
    return [
      name,
      {
        ...{ kind: "reached", node, observed, queriedAt: NOW },
        wanted: one.compared === false ? planned : withPresharedKeys(planned, privateKeyOf("seed")),
        drift: driftOf(node, plannedAs(of), observed),
        probes: { ...NOTHING, pings, ...one.probes?.[name] },
        later: later === undefined ? null : later(observed),
      },
    ];
  });
  return { plan: of, hosts: new Map(hosts), names: one.names ?? [], outdated: [] };
}

/** `NODE CHECK AFFECTED...` of each finding. */
export const found = (one: Case) =>
  diagnose(factsOf(one)).map(({ node, check, affects }) =>
    [node, check, affects.join(" ")].join(" ").trim(),
  );
export const causeOf = (one: Case) => diagnose(factsOf(one))[0]?.cause ?? "";

/** The growth of all its peers' counters since the first look, in bytes; `age`: of the handshakes. */
export const counted = (received: number, age: number | null): by.Edit =>
  by.peers((all) =>
    all.map((peer) => ({
      ...peer,
      receivedBytes: peer.receivedBytes + received,
      sentBytes: peer.sentBytes + 500,
      latestHandshake: age === null ? 0 : NOW - age,
    })),
  );

/** Between nas and tokyo. */
export const LOST = { nas: { [TOKYO]: null, [VPS]: null }, tokyo: { [NAS]: null } };
