/** Differences in files that are used at boot, and in the host's records. */
import { bootFiles } from "./boot-files";
import { confirmedLines, type ConfirmedState } from "./confirmed";
import type { BootDifference } from "./difference";
import { mtuOf } from "./interface-differences";
import { formerRpFilter, switchedOn } from "./kernel-settings";
import { recordedEndpoints, resolve } from "./endpoints";
import { dnsDifference, servesDns } from "./dns-server";
import { hostsDifference, needsNamesUnit } from "./names";
import type { Observation } from "./observation";
import * as paths from "./paths";
import { interfacesOf, type Wanted } from "./wanted";
import { taskLines } from "./tasks";
import { watcherLines } from "./watched-keys";

export function bootDifferences(observed: Observation, wanted: Wanted): BootDifference[] {
  return [
    ...bootFiles(observed, wanted).flatMap(({ path, is }) =>
      is === null ? [] : [{ kind: "file", path, is } as const],
    ),
    ...hostsDifference(observed, wanted),
    ...dnsDifference(observed, wanted),
    ...hostScriptDifference(observed, wanted),
    ...startDifferences(observed, wanted),
    ...tickerDifference(observed, wanted),
    ...recordDifference(observed, wanted),
    ...markDifference(observed, wanted),
  ];
}

/** The record to write when the wanted state is confirmed. */
export function confirmedState(observed: Observation, wanted: Wanted): ConfirmedState {
  const { main, second } = wanted;
  return {
    digest: wanted.digest,
    forwarding: wanted.forwarding,
    switchedOn: switchedOn(observed, wanted),
    instances: wanted.instances,
    probes: wanted.probes,
    alternate: second?.name ?? null,
    mustShake: wanted.mustShake,
    pairs: wanted.pairs.map(({ current, next }) => `${current}:${next}`),
    endpoints: setEndpoints(observed, wanted),
    tunnelAddresses: wanted.tunnelAddresses,
    ownMtu:
      main.mtu === null ? mtuOf(observed, wanted) : (observed.records.confirmed?.ownMtu ?? null),
    rpFilter: formerRpFilter(observed, wanted),
  };
}

/**
 * By public key. A name that did not resolve was not set, so its former endpoint stays in the record, unless the host resolves
 * names by itself.
 */
function setEndpoints(observed: Observation, wanted: Wanted): Map<string, string> {
  const interfaces = interfacesOf(wanted);
  const before = new Map(interfaces.flatMap(({ name }) => [...recordedEndpoints(observed, name)]));
  return new Map(
    interfaces
      .flatMap(({ peers }) => peers)
      .flatMap(({ publicKey, endpoint }) => {
        if (endpoint === null) return [];
        const isFollowed = wanted.followNames && endpoint.isName;
        const isSet = isFollowed || resolve(endpoint, observed).length > 0;
        const text = isSet ? endpoint.text : before.get(publicKey);
        return text === undefined ? [] : [[publicKey, text] as const];
      }),
  );
}

/** An older version of the script is no difference: the next change updates it. */
function hostScriptDifference({ digests }: Observation, { main }: Wanted): BootDifference[] {
  const path = paths.pathsOf(main.name).hostScript;
  return digests.has(path) ? [] : [{ kind: "file", path, is: "missing" }];
}

/** A host with neither systemd nor OpenRC needs its own way to start the interface. */
function startDifferences(observed: Observation, wanted: Wanted): BootDifference[] {
  const { name } = wanted.main;
  const link = (unit: string, wish: boolean): BootDifference[] => {
    const exists = observed.bootLinks.has(
      observed.init === "openrc" ? paths.runlevelLink(unit) : paths.unitLink(unit),
    );
    return exists === wish ? [] : [{ kind: "start", name: unit, is: wish ? "missing" : "extra" }];
  };
  switch (observed.init) {
    case "systemd":
      return [
        ...link(paths.wgQuickUnit(name), true),
        ...link(paths.watcherUnitName(name), watcherLines(wanted).length > 0),
        ...link(paths.namesUnitName(name), needsNamesUnit(observed, wanted)),
        ...link(paths.dnsUnitName(name), servesDns(wanted)),
      ];
    case "openrc":
      return [
        ...link(paths.initName(name), true),
        ...link(paths.dnsInitName(name), servesDns(wanted)),
      ];
    case "none":
      return [];
  }
}

/** Placing the file starts the ticker too, so a missing file is one difference, not two. */
function tickerDifference({ records, ticker }: Observation, wanted: Wanted): BootDifference[] {
  const begun = records.tasks === null || ticker === "running";
  return begun || taskLines(wanted).length === 0 ? [] : [{ kind: "ticker", is: "missing" }];
}

function recordDifference(observed: Observation, wanted: Wanted): BootDifference[] {
  const { confirmed, confirmedFile } = observed.records;
  if (confirmed === null) return [{ kind: "record", is: "missing" }];
  if (confirmedFile === null) return [{ kind: "record", is: "older-format" }];
  if (confirmed.digest !== wanted.digest) return [{ kind: "record", is: "other-config" }];
  // `tunnel` lines matter only to the next push.
  const other = /^(serial|token|file|tunnel) /;
  const linesOf = (all: readonly string[]) => all.filter((line) => !other.test(line)).join("\n");
  const same = linesOf(confirmedFile) === linesOf(confirmedLines(confirmedState(observed, wanted)));
  return same ? [] : [{ kind: "record", is: "outdated" }];
}

function markDifference(observed: Observation, wanted: Wanted): BootDifference[] {
  if (isMarked(observed, wanted)) return [];
  return [{ kind: "owner-mark", is: observed.records.owner === null ? "missing" : "other" }];
}

export function isMarked({ records: { owner } }: Observation, wanted: Wanted): boolean {
  return (
    owner?.stack === wanted.owner && owner.node === wanted.node && owner.machine === wanted.machine
  );
}
