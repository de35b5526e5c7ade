/** Draws random hosts and requests, decides, and passes every change to a law. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { renderChange, type Change } from "../../../../mesh/host/change";
import { decide, type Decision } from "../../../../mesh/host/decide";
import type { Observation } from "../../../../mesh/host/observation";
import { presharedKeysOf, wantedOf, type Wanted } from "../../../../mesh/host/wanted";
import { publicKeyOf } from "../../../../mesh/keys";
import type { PushRequest } from "../../../../mesh/push-request";
import { ChangeRun, parseChange } from "./change-text";
import { applyEdits, edits, type Edit } from "./hand-edits";
import { networkOf, sha256, type Host, type Peer, type Route } from "./host";
import { freshHost, pushedByFormat2 } from "./hosts";
import { observe } from "./observe";
import { editsOf, requestDraws, requestOf, type RequestDraw } from "./requests";

export interface Case {
  /** Which version pushed to the host before. */
  history: "none" | "format 2" | "this version";
  former: RequestDraw;
  edits: Edit[];
  next: RequestDraw;
}

export const cases: fc.Arbitrary<Case> = requestDraws.chain((former) =>
  fc.record({
    history: fc.constantFrom("none", "format 2", "this version", "this version"),
    former: fc.constant(former),
    edits,
    next: fc.oneof(fc.constant(former), editsOf(former), requestDraws),
  }),
);

const HOST_SCRIPT = "# host\n";
export const OPTIONS = {
  token: "token",
  hostScript: { text: HOST_SCRIPT, digest: sha256(HOST_SCRIPT) },
};

/** A decided change, and a copy of the host to run it on. */
export interface Situation {
  request: PushRequest;
  wanted: Wanted;
  before: Host;
  host: Host;
  observed: Observation;
  change: Change;
  decision: Extract<Decision, { kind: "change" }>;
  running: ChangeRun;
  run: (name: "now" | "apply" | "undo" | "commit", count?: number) => void;
}

export function everyChange(law: (situation: Situation) => void, numRuns = 200): void {
  let changes = 0;
  fc.assert(
    fc.property(cases, (drawn) => {
      const situation = situationOf(hostOf(drawn), drawn.next);
      if (situation === null) return;
      changes++;
      law(situation);
    }),
    { numRuns },
  );
  assert.ok(changes > numRuns / 3, `only ${changes} changes`);
}

/** Null if there is nothing to change, or the host is refused. */
export function situationOf(host: Host, draw: RequestDraw): Situation | null {
  const request = requestOf(draw);
  const wanted = wantedOf(request, digestOf(draw), publicKeyOf);
  const observed = look(host, wanted);
  const decision = decide(observed, wanted, OPTIONS);
  if (decision.kind !== "change") return null;
  const { change } = decision;
  const running = new ChangeRun(host, parseChange(renderChange(change).reveal()));
  const run: Situation["run"] = (name, count) => {
    running.run(name, count);
  };
  const before = structuredClone(host);
  return { request, wanted, before, host, observed, change, decision, running, run };
}

export function look(host: Host, wanted: Wanted): Observation {
  return observe(host, presharedKeysOf(wanted));
}

/**
 * The state that an undo restores: without handshakes and the kernel's own routes of addresses, and sorted where the kernel has no
 * order.
 */
export function configurationOf(host: Host) {
  const sorted = (all: Iterable<unknown>) => [...all].map((it) => JSON.stringify(it)).sort();
  const peers = (all: ReadonlyMap<string, Peer>) =>
    [...all].map(([key, peer]) => ({
      key,
      ...peer,
      handshake: 0,
      allowedIps: sorted(peer.allowedIps),
    }));
  const links = [...host.links].map(([name, { mtu, up, addresses, wg }]) => [
    ...[name, mtu, up, sorted(addresses)],
    wg === null ? null : [wg.privateKey, wg.port, sorted(peers(wg.peers))],
  ]);
  return {
    live: {
      links: sorted(links),
      routes: sorted(host.routes.filter((route) => !isOfAddress(route, host))),
      rules: sorted(host.rules),
      sysctls: sorted(host.sysctls),
      table: host.table,
      watched: observe(host, null).records.watched,
    },
    // The live state has both formats of the watcher's lines.
    files: sorted([...host.files].filter(([path]) => !path.startsWith("/run/"))),
  };
}

/** Also one added by hand in place of the kernel's own. */
function isOfAddress({ prefix, dev, proto, metric }: Route, { links }: Host): boolean {
  const addresses = links.get(dev ?? "")?.addresses ?? [];
  const standsIn = proto === "kernel" || (proto === "boot" && metric === 0);
  return standsIn && addresses.some((it) => networkOf(it) === networkOf(prefix));
}

function hostOf({ history, former, edits: all }: Case): Host {
  const host = freshHost();
  if (history === "format 2") pushedByFormat2(host, requestOf({ ...former, sendsAll: null }));
  if (history === "this version") {
    const situation = situationOf(host, former);
    for (const name of ["now", "apply", "commit"] as const) situation?.run(name);
  }
  applyEdits(host, all);
  return host;
}

export function digestOf(draw: RequestDraw): string {
  return sha256(JSON.stringify(draw));
}
