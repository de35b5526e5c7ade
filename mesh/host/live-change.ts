/** The steps on the running system, with their undo. */
import type { LiveStep } from "./change";
import { changeLink, withBothAddresses } from "./change-links";
import { changePeers, type Whereabouts } from "./change-peers";
import type { LiveDifference } from "./difference";
import { liveDifferences } from "./differences";
import { changeFilter } from "./filter";
import {
  awaitHandshakes,
  awaitRoaming,
  pingFormerPeers,
  pingPeers,
  tryNewKeys,
} from "./handshakes";
import { mtuOf } from "./interface-differences";
import type { Observation } from "./observation";
import { inOrder, ipStep, NOTHING, type Part } from "./steps";
import type { Wanted } from "./wanted";
import type { WantedInterface } from "./wanted-interface";
import { watcherLines } from "./watched-keys";
import { exitChecks, isExtraRule, ruleText } from "./full-tunnel";
import { createInterface, removeInterface } from "./whole-interface";
import type { WireGuardDevice } from "./wireguard-state";

/** No steps if the running system does not differ. */
export function liveChange(observed: Observation, wanted: Wanted): Part {
  if (liveDifferences(observed, wanted).length === 0) return NOTHING;
  const { main, second } = wanted;
  const former = observed.records.second;
  const leftover = former === null || former === second?.name ? null : former;
  // Two interfaces cannot share a key or port: remove the second one first if it has those of the first.
  const inTheWay =
    [leftover, second?.name].find((name) => isInTheWay(name, observed, wanted)) ?? null;
  const rest = inTheWay === null ? observed : without(observed, inTheWay);
  const all = liveDifferences(rest, wanted);
  const ofMain = differencesOf(main, all);
  // A new or changed filter comes before the peers, so that new peers are limited from the start. An unwanted one is removed
  // after the peers, and after forwarding was switched off.
  const filter = all.some(({ kind }) => kind === "filter") ? changeFilter(rest, wanted) : NOTHING;
  const isWanted = wanted.filter !== null;
  return inOrder([
    pingFormerPeers(ofMain, observed, wanted),
    // Remove rules that route into the tunnel before the filter, which keeps the host reachable at its own addresses.
    ...all.filter(isExtraRule).map((difference) => changeSetting(difference, rest)),
    isWanted ? filter : NOTHING,
    stopWatching(observed, wanted),
    tryNewKeys(ofMain, rest, wanted),
    remove(inTheWay, observed),
    changeInterface(main, all, rest, wanted, whereabouts(main, observed, rest)),
    second === null
      ? NOTHING
      : changeInterface(second, all, rest, wanted, whereabouts(second, observed, rest)),
    remove(leftover, rest),
    ...all.filter((it) => !isExtraRule(it)).map((difference) => changeSetting(difference, rest)),
    isWanted ? NOTHING : filter,
    startWatching(observed, wanted),
    awaitRoaming(ofMain),
    pingPeers(ofMain, observed, wanted),
    awaitHandshakes(ofMain, observed, wanted),
    { apply: exitChecks(all, wanted), undo: [] },
  ]);
}

function isInTheWay(name: string | null | undefined, observed: Observation, wanted: Wanted) {
  const { main } = wanted;
  const own: Partial<WireGuardDevice> = observed.devices.get(main.name) ?? {};
  const other = observed.devices.get(name ?? "");
  if (other === undefined) return false;
  const port = main.listenPort !== own.listenPort && main.listenPort === other.listenPort;
  const key = main.publicKey !== own.publicKey && main.publicKey === other.publicKey;
  return port || key;
}

/**
 * Last endpoints of peers, from the interface that had this key before, unless this one had a later handshake. An interface that
 * is recreated uses its own peers.
 */
function whereabouts(one: WantedInterface, observed: Observation, rest: Observation): Whereabouts {
  const own = observed.devices.get(one.name);
  const isRemoved = own !== undefined && !rest.devices.has(one.name);
  const former = [...observed.devices].find(
    ([name, { publicKey }]) => name !== one.name && publicKey === one.publicKey,
  )?.[1];
  const isTaken = former !== undefined && own?.publicKey !== one.publicKey;
  const heard = [...(isTaken ? former.peers.values() : [])].filter(
    ({ publicKey, latestHandshake }) =>
      latestHandshake > 0 && latestHandshake >= (own?.peers.get(publicKey)?.latestHandshake ?? 0),
  );
  return new Map(
    [...(isRemoved ? own.peers.values() : []), ...heard].flatMap(({ publicKey, endpoint }) =>
      endpoint === null ? [] : [[publicKey, endpoint] as const],
    ),
  );
}

/** The observation without one interface. */
function without(observed: Observation, name: string): Observation {
  const { network, devices, sysctls } = observed;
  const others = <T>(all: ReadonlyMap<string, T>, is: (key: string) => boolean) =>
    new Map([...all].filter(([key]) => !is(key)));
  return {
    ...observed,
    network: {
      ...network,
      links: others(network.links, (key) => key === name),
      routes: network.routes.filter(({ device }) => device !== name),
    },
    devices: others(devices, (key) => key === name),
    sysctls: others(sysctls, (key) => key.split("/")[3] === name),
  };
}

function remove(name: string | null, observed: Observation): Part {
  const link = observed.network.links.get(name ?? "");
  if (link === undefined) return NOTHING;
  return removeInterface(link, observed.devices.get(link.name), observed);
}

function changeInterface(
  one: WantedInterface,
  all: readonly LiveDifference[],
  observed: Observation,
  wanted: Wanted,
  taken: Whereabouts,
): Part {
  const link = observed.network.links.get(one.name);
  const device = observed.devices.get(one.name);
  if (link === undefined || device === undefined) {
    return createInterface(one, one.mtu ?? mtuOf(observed, wanted), observed, wanted, taken);
  }
  const own = differencesOf(one, all);
  const peers = changePeers(one, device, own, observed, wanted, taken);
  const rest = changeLink(link, own, observed);
  const both = peers.apply.length === 0 ? NOTHING : withBothAddresses(link, own);
  if (both.apply.length === 0) return inOrder([peers, rest]);
  return {
    apply: [...both.apply, ...peers.apply, ...rest.apply],
    undo: [...both.undo, ...peers.undo, ...rest.undo],
  };
}

function differencesOf({ name }: WantedInterface, all: readonly LiveDifference[]) {
  return all.filter((it) => "interface" in it && it.interface === name);
}

function changeSetting(difference: LiveDifference, { sysctls }: Observation): Part {
  if (difference.kind === "sysctl") {
    const { key, is, wanted } = difference;
    const set = (value: string): LiveStep[] => [{ do: "sysctl", key, value }];
    // A new interface takes its settings with it when it is deleted.
    return { apply: set(wanted), undo: sysctls.has(key) ? set(is) : [] };
  }
  if (difference.kind === "rule") {
    const family = difference.family === 4 ? "ip" : "ip6";
    const step = (verb: "add" | "del") => ipStep([`rule ${verb} ${ruleText(difference)}`], family);
    return difference.is === "missing"
      ? { apply: step("add"), undo: step("del") }
      : { apply: step("del"), undo: step("add") };
  }
  return NOTHING;
}

/** Stops the watcher, which must not move prefixes during the change. */
function stopWatching({ records: { watched } }: Observation, wanted: Wanted): Part {
  if (watched.length === 0 || isWatched(watched, wanted)) return NOTHING;
  return { apply: [watch([])], undo: [watch(watched)] };
}

function startWatching({ records: { watched }, watcher }: Observation, wanted: Wanted): Part {
  const lines = watcherLines(wanted);
  if (lines.length === 0) return NOTHING;
  if (!isWatched(watched, wanted)) return { apply: [watch(lines)], undo: [watch([])] };
  return watcher === "running" ? NOTHING : { apply: [watch(lines)], undo: [watch(watched)] };
}

function isWatched(watched: readonly string[], wanted: Wanted): boolean {
  return watched.join("\n") === watcherLines(wanted).join("\n");
}

function watch(lines: readonly string[]): LiveStep {
  return { do: "watch", lines: [...lines] };
}
