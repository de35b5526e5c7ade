/** Compares a host with its wanted state, for drift, status and pushes. */
import { bootDifferences } from "./boot-differences";
import type { Differences, LiveDifference } from "./difference";
import { filterDifference } from "./filter";
import { interfaceDifferences, mtuOf } from "./interface-differences";
import { ruleDifferences, sysctlDifferences } from "./kernel-settings";
import type { Observation } from "./observation";
import { withKept } from "./kept";
import { peerDifferences } from "./peer-differences";
import { routeDifferences } from "./route-differences";
import { takesOver } from "./takeover";
import type { Wanted } from "./wanted";
import { fullTunnelDifferences } from "./full-tunnel";
import type { WantedInterface } from "./wanted-interface";
import { watcherLines } from "./watched-keys";

/** An interface of another owner has only that difference. */
export function differences(observed: Observation, requested: Wanted): Differences {
  const wanted = withKept(observed, requested);
  const foreign = foreignOwner(observed, wanted);
  if (foreign !== null) return { live: [foreign], boot: [] };
  const isPending = observed.pending !== null || observed.records.pendingOfFormat2 !== null;
  return {
    live: [
      ...(isPending ? [{ kind: "pending" } as const] : []),
      ...liveDifferences(observed, wanted),
    ],
    boot: bootDifferences(observed, wanted),
  };
}

/** Differences of the running system, for the owner of the interface. A missing interface has only that difference. */
export function liveDifferences(observed: Observation, wanted: Wanted): LiveDifference[] {
  const { main, second } = wanted;
  const former = observed.records.second;
  const isLeft = former !== null && former !== second?.name && observed.network.links.has(former);
  return [
    ...differencesOf(main, observed, wanted),
    ...(second === null ? [] : differencesOf(second, observed, wanted)),
    ...(isLeft ? [{ kind: "interface", interface: former, is: "extra" } as const] : []),
    ...ruleDifferences(observed, wanted),
    ...sysctlDifferences(observed, wanted),
    ...filterDifference(observed, wanted),
    ...fullTunnelDifferences(observed, wanted),
    ...watcherDifference(observed, wanted),
  ];
}

function differencesOf(
  one: WantedInterface,
  observed: Observation,
  wanted: Wanted,
): LiveDifference[] {
  const link = observed.network.links.get(one.name);
  const device = observed.devices.get(one.name);
  if (link === undefined || device === undefined) {
    return [{ kind: "interface", interface: one.name, is: "missing" }];
  }
  const mtu = one.mtu ?? mtuOf(observed, wanted);
  return [
    ...interfaceDifferences(link, device, one, mtu),
    ...peerDifferences(device, one, observed, wanted),
    ...routeDifferences(one, observed),
  ];
}

/** An interface without an owner mark, or with that of another stack. */
function foreignOwner(observed: Observation, wanted: Wanted): LiveDifference | null {
  const { records, network } = observed;
  const { owner } = records;
  const { name } = wanted.main;
  if (owner === null) {
    if (takesOver(observed, wanted)) return null;
    const exists = network.links.has(name);
    return exists ? { kind: "owner", interface: name, owner: null } : null;
  }
  const ours = owner.released || owner.stack === wanted.owner;
  return ours ? null : { kind: "owner", interface: name, owner: owner.stack };
}

function watcherDifference(observed: Observation, wanted: Wanted): LiveDifference[] {
  const lines = watcherLines(wanted);
  if (lines.join("\n") !== observed.records.watched.join("\n")) {
    return [{ kind: "watcher", is: "other" }];
  }
  const missing = lines.length > 0 && observed.watcher !== "running";
  return missing ? [{ kind: "watcher", is: "missing" }] : [];
}
