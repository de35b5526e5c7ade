/** Decides what a push does on a host. Pure functions. */
import type { Change } from "./change";
import { changeRefusal } from "./change-refusals";
import { confirmedState } from "./boot-differences";
import { NEVER_CONFIRMED } from "./confirmed";
import { commitSteps, ownerStep, stagingSteps, type HostScript } from "./commit";
import type { Differences, LiveDifference } from "./difference";
import { differences, liveDifferences } from "./differences";
import { withKept } from "./kept";
import { liveChange } from "./live-change";
import { changeNotes, standingNotes } from "./notes";
import type { Observation } from "./observation";
import type { PushResult } from "../push-request";
import { isRenamed, refusal, type Refusal } from "./refusals";
import { takeoverNote, takesOver } from "./takeover";
import type { Wanted } from "./wanted";

export type Decision =
  /** `change` is made anyway: it only updates the owner mark of a renamed node. */
  | (Refusal & { kind: "refuse"; change: Change | null })
  | { kind: "nothing"; notes: string[] }
  | {
      kind: "change";
      change: Change;
      /** The serial number of this push. */
      serial: number;
      differences: Differences;
      /** `unchanged` if an interface of another program is taken over that runs as wanted; else `applied`. */
      outcome: PushResult["outcome"];
      notes: string[];
    };

export interface DecideOptions {
  token: string;
  /** This version's script for the host. */
  hostScript: HostScript;
  /** Serial number of the last push to this host that the stack has recorded; 0 if there is none. */
  serial?: number;
  /** PushRequest.generation */
  generation?: number;
}

/**
 * The change from `observed` to `wanted`. After its commit, a decision on a new observation is `nothing`. Throws if `wanted`
 * has sealed secrets.
 */
export function decide(observed: Observation, requested: Wanted, options: DecideOptions): Decision {
  const wanted = withKept(observed, requested);
  const refused = refusal(observed, wanted);
  if (refused !== null) return refuse(refused, observed, wanted);
  const found = differences(observed, wanted);
  const notes = standingNotes(observed, wanted);
  if (found.live.length + found.boot.length === 0) return { kind: "nothing", notes };
  const blocked = changeRefusal(observed, wanted);
  if (blocked !== null) return refuse(blocked, observed, wanted);
  // A host that was restored from a snapshot has an older number than the stack.
  const { serial: recorded = 0, generation } = options;
  const known = [observed.records.confirmed?.serial ?? 0, recorded, ...observed.generations.keys()];
  const serial = generation ?? Math.max(...known) + 1;
  const change = {
    now: stagingSteps(observed, wanted, options.hostScript),
    ...liveChange(observed, wanted),
    commit: commitSteps(observed, wanted, { token: options.token, serial }),
  };
  const isTakeover = takesOver(observed, wanted);
  const asItIs = isTakeover && found.live.length === 0;
  const all = [
    ...(isTakeover ? [takeoverNote(wanted, asItIs)] : []),
    ...changeNotes(observed, wanted),
    ...notes,
  ];
  const outcome = asItIs ? "unchanged" : "applied";
  return { kind: "change", change, serial, differences: found, outcome, notes: all };
}

/**
 * The differences after an applied change; it may be committed only if there are none. `before`: the observation that the change
 * was based on.
 */
export function unapplied(
  before: Observation,
  after: Observation,
  requested: Wanted,
): LiveDifference[] {
  const wanted = withKept(before, requested);
  const { endpoints, instances } = confirmedState(before, wanted);
  const confirmed = { ...(before.records.confirmed ?? NEVER_CONFIRMED), endpoints, instances };
  const records = { ...after.records, confirmed, confirmedFile: [] };
  const answers = new Map([...after.answers, ...before.answers]);
  // Ignore endpoints that the change did not set: a peer that had roamed may count as stale now.
  const changed = new Set(liveDifferences(before, wanted).map(peerOf));
  const wasLeftAlone = (it: LiveDifference) =>
    it.kind === "endpoint" &&
    before.devices.get(it.interface)?.peers.has(it.publicKey) === true &&
    !changed.has(peerOf(it));
  return liveDifferences({ ...after, records, answers }, wanted).filter((it) => !wasLeftAlone(it));
}

function refuse(why: Refusal, observed: Observation, wanted: Wanted): Decision {
  const marked = isRenamed(observed, wanted);
  const change = { now: ownerStep(observed, wanted), apply: [], undo: [], commit: [] };
  return { kind: "refuse", ...why, change: marked ? change : null };
}

/** A peer whose endpoint a change sets; null for other differences. */
function peerOf(it: LiveDifference): string | null {
  const sets = it.kind === "endpoint" || it.kind === "session";
  return sets ? `${it.interface} ${it.publicKey}` : null;
}
