/** Named hosts, requests and changes as text, for exact examples. */
import assert from "node:assert/strict";
import { renderChange, type Change } from "../../../../mesh/host/change";
import { decide, type Decision } from "../../../../mesh/host/decide";
import type { Observation } from "../../../../mesh/host/observation";
import { differences } from "../../../../mesh/host/differences";
import { formatDifference } from "../../../../mesh/host/format-difference";
import { peerNames, wantedOf, type Wanted } from "../../../../mesh/host/wanted";
import { publicKeyOf } from "../../../../mesh/keys";
import { keyPairs } from "../../../support/key-pairs";
import { parseChange } from "./change-text";
import { deviceOf, type Host, type Peer } from "./host";
import { freshHost, pushedByFormat2 } from "./hosts";
import { IFACE } from "./observe";
import {
  currentKey,
  nextKey,
  presharedKeyAt,
  requestOf,
  type NeighbourDraw,
  type RequestDraw,
} from "./requests";
import { digestOf, look, OPTIONS, situationOf } from "./situations";

/** A relay with two peers: one that it dials, and one behind NAT with a LAN. */
export const RELAY: RequestDraw = {
  ownKey: 20,
  onHost: false,
  address: "10.86.0.1/24",
  ipv6: false,
  port: 51820,
  mtu: null,
  neighbours: [neighbour(0, { endpoint: "198.51.100.1:51820" }), neighbour(1, { lans: [0] })],
  forwarding: { ipv4: false, ipv6: false },
  instance: null,
  second: null,
  filter: null,
  names: null,
  serves: false,
  followNames: false,
  besideRelays: false,
  sendsAll: null,
};

export function neighbour(at: number, more: Partial<NeighbourDraw> = {}): NeighbourDraw {
  const usual = { lans: [], endpoint: null, keepalive: 0, presharedKey: null };
  return { at, ...usual, keys: "current", mustShake: false, expires: null, ...more };
}

/** A host that was pushed to and confirmed it. */
export function pushed(draw: RequestDraw = RELAY, host: Host = freshHost()): Host {
  const situation = situationOf(host, draw);
  assert.ok(situation !== null);
  for (const name of ["now", "apply", "commit"] as const) situation.run(name);
  return host;
}

export function pushedByOlder(draw: RequestDraw = RELAY, host: Host = freshHost()): Host {
  pushedByFormat2(host, requestOf(draw));
  return host;
}

export function withFile(path: string, text: string, host: Host = freshHost()): Host {
  host.files.set(path, text);
  return host;
}

/** `see` changes what the host reports. */
export function decideOn(
  host: Host,
  draw: RequestDraw = RELAY,
  see: (observed: Observation) => Partial<Observation> = () => ({}),
): Decision {
  const wanted = wantedBy(draw);
  const observed = look(host, wanted);
  return decide({ ...observed, ...see(observed) }, wanted, OPTIONS);
}

export function wantedBy(draw: RequestDraw): Wanted {
  return wantedOf(requestOf(draw), digestOf(draw), publicKeyOf);
}

/** The differences as text. `see` overrides parts of the observation. */
export function differencesOn(
  host: Host,
  draw: RequestDraw = RELAY,
  see: Partial<Observation> = {},
): string[] {
  const wanted = wantedBy(draw);
  const { live, boot } = differences({ ...look(host, wanted), ...see }, wanted);
  return [...live, ...boot].map((it) => formatDifference(it, peerNames(wanted), IFACE));
}

export function changeOn(host: Host, draw: RequestDraw = RELAY): Change {
  const decision = decideOn(host, draw);
  assert.ok(decision.kind === "change", JSON.stringify(decision));
  return decision.change;
}

export function notesOn(host: Host, draw: RequestDraw = RELAY): string[] {
  const decision = decideOn(host, draw);
  assert.ok(decision.kind !== "refuse", JSON.stringify(decision));
  return decision.notes;
}

/** `CAUSE\nREMEDY` */
export function refusalOn(
  host: Host,
  draw: RequestDraw = RELAY,
  see: (observed: Observation) => Partial<Observation> = () => ({}),
): string {
  const decision = decideOn(host, draw, see);
  assert.ok(decision.kind === "refuse", JSON.stringify(decision));
  return `${decision.cause}\n${decision.remedy}`;
}

export function peerOf(host: Host, at: number): Peer {
  const peer = deviceOf(host, IFACE).peers.get(currentKey(at));
  assert.ok(peer !== undefined);
  return peer;
}

/** The steps of a change, each with its data below it; keys have names. */
export function stepsText(change: Change, name: "now" | "apply" | "undo" | "commit"): string[] {
  const pieces = parseChange(renderChange(change).reveal());
  return (pieces.get(name) ?? []).flatMap((step) => {
    const [, head = step, number = "", rest = ""] =
      /^(wg \S+|ip6?|nft|watch|place) (\d+)(.*)$/.exec(step) ?? [];
    return [head + rest, ...(pieces.get(number) ?? []).map((line) => `  ${line}`)].map(withNames);
  });
}

function withNames(line: string): string {
  const named: [string, string][] = [
    ...[0, 1, 2, 3, 4, 5].flatMap((at): [string, string][] => [
      [currentKey(at), `<peer${at}>`],
      [nextKey(at), `<peer${at} next>`],
    ]),
    ...[0, 1].map((at): [string, string] => [presharedKeyAt(at), `<preshared ${at}>`]),
    ...[20, 21, 22].map((at): [string, string] => [
      keyPairs[at]?.privateKey ?? "",
      `<private ${at}>`,
    ]),
    ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "<none>"],
  ];
  return named.reduce((text, [key, name]) => text.replaceAll(key, name), line);
}
