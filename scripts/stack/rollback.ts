/** Rolls a host back to a state that it confirmed before, by repeating the push request that it has stored. */
import { readStored, type Generation, type StoredRequest } from "../../mesh/host/stored-request";
import type { Observation } from "../../mesh/host/observation";
import { keysIn, parseInterface } from "../../mesh/host/wanted-interface";
import { formatTime } from "../../mesh/config/activity";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { interfaceKey, namesByKey } from "../../mesh/plan/rotation";
import { EXPIRY_COMMENT, type PushRequest } from "../../mesh/push-request";
import { requestWithoutSecrets } from "../../mesh/render/push-request";
import { forwardingOf, NOTHING, type NetworkRecord } from "../../mesh/review/record";
import { reviewOf } from "../../mesh/review/review";
import { HIDDEN } from "../../mesh/secret";
import { publicKeyOf } from "../../mesh/keys";
import { NO_QUESTIONS } from "../push/conversation";
import { observeHost } from "../push/observe-host";
import { Failure } from "./failure";
import { hostAccess, type Access } from "./host-access";

/** The states that a host has stored. */
export interface StoredStates {
  /** By the serial of its push. */
  states: ReadonlyMap<number, Generation>;
  /** The serial of the current one; 0: unknown. */
  present: number;
  observed: Observation;
}

/** @throws PushError when the host cannot be queried; Failure when its interface does not belong to this stack. */
export async function storedStates(node: NodePlan, access: Access): Promise<StoredStates> {
  const questions = { ...NO_QUESTIONS, generations: true };
  const { observed } = await observeHost(hostAccess(node, access), questions);
  if (observed.records.owner?.stack !== access.owner) {
    throw new Failure(`${node.name} has nothing of this stack`, "npx wireguard-mesh up");
  }
  const states = [...observed.generations].flatMap(([serial, state]) =>
    state === null ? [] : [[serial, state] as const],
  );
  const present = observed.records.confirmed?.serial ?? 0;
  return { states: new Map(states), present, observed };
}

/**
 * The serial of the state to go back to: `to`, else the latest one before the current one whose config differs from it.
 * @throws Failure if the host does not have it, or it is the current one.
 */
export function chooseState(
  { states, present }: StoredStates,
  node: NodePlan,
  to?: number,
): number {
  const { name } = node;
  const now = states.get(present);
  const older = [...states].filter(([serial]) => serial < present).sort(([a], [b]) => b - a);
  const differs = ([, state]: [number, Generation]) =>
    now === undefined || changesBetween(node, now, state).length > 0;
  const chosen = to ?? older.find(differs)?.[0];
  if (chosen === undefined)
    throw new Failure(
      older.length === 0
        ? `${name} keeps no state before the present one`
        : `${name} keeps no state whose config differs from the present one`,
      "a host keeps the last five states that it has confirmed, since its first push by this version; change the stack file and run up",
    );
  if (chosen === present)
    throw new Failure(
      `${name} is at push ${present}`,
      `to undo what was changed there by hand: npx wireguard-mesh repush ${name}`,
      2,
    );
  if (!states.has(chosen))
    throw new Failure(
      `${name} does not keep push ${chosen}`,
      `those that it keeps: npx wireguard-mesh rollback ${name} --list`,
      2,
    );
  return chosen;
}

export interface Rollback {
  request: PushRequest;
  /** The peers of that state that are no longer in the network. */
  leftOut: string[];
}

/**
 * The push request for the rollback. Leaves out peers that were removed, disabled or have expired since, and takes expiry dates
 * from the plan.
 * @throws Failure during a rotation, and if a key has been replaced since.
 */
export function rollbackTo(
  serial: number,
  { states, present, observed }: StoredStates,
  node: NodePlan,
  access: Access,
): Rollback {
  const { plan, owner } = access;
  refuseRotation(node, plan, observed);
  const state = states.get(serial);
  if (state === undefined) throw new Error("a rollback needs a state that is stored");
  const stored = readStored(state);
  const { publicKey } = keysIn(stored.config, publicKeyOf);
  if (publicKey !== interfaceKey(node)) throw keyWasReplaced(node.name, serial);
  const { config, leftOut } = withCurrentPeers(stored.config, node, plan, serial);
  const now = states.get(present);
  if (now !== undefined) refusePresharedKeys(config, readStored(now).config, plan, serial);
  // `rotation` although no key rotates: behind a jump relay its mustShake has the handshake that confirms a push.
  const { rivals, rotation } = requestWithoutSecrets(node, plan, owner);
  const request = {
    ...stored,
    ...hostAccess(node, access),
    ...(rivals === undefined ? {} : { rivals }),
    config,
    identity: null,
    rotation,
    generation: serial,
  };
  return { request, leftOut };
}

function refuseRotation(node: NodePlan, { nodes }: Plan, { records }: Observation): void {
  const near = [node.name, ...node.sections.map(({ name }) => name)];
  const rotating = nodes.find((it) => it.nextPublicKey !== null && near.includes(it.name));
  if (rotating !== undefined)
    throw new Failure(
      `the key of ${rotating.name} is being rotated, and a former state knows only one of its keys`,
      `npx wireguard-mesh rotate ${rotating.name} --finish, or --cancel`,
    );
  if (records.rotation !== null)
    throw new Failure(
      `keys or addresses are still moving on ${node.name}`,
      `when that is over, in a few minutes: npx wireguard-mesh repush ${node.name}`,
    );
}

/** `config` is the former config, `now` the current one. Both ends of a tunnel need the same preshared key. */
function refusePresharedKeys(config: string, now: string, { nodes }: Plan, serial: number): void {
  const keysOfNow = presharedKeysIn(now);
  const replaced = [...presharedKeysIn(config)].find(([publicKey, key]) => {
    const other = keysOfNow.get(publicKey);
    return other !== undefined && other !== key;
  });
  if (replaced === undefined) return;
  throw keyWasReplaced(namesByKey(nodes).get(replaced[0]) ?? "a peer", serial, "preshared key");
}

/** By the peer's public key; empty text if it has none. */
function presharedKeysIn(config: string): Map<string, string> {
  const { peers } = parseInterface("", config, keysIn(config, publicKeyOf));
  return new Map(
    peers.map(({ publicKey, presharedKey }) => [publicKey, presharedKey?.reveal() ?? ""]),
  );
}

function keyWasReplaced(name: string, serial: number, what = "key"): Failure {
  return new Failure(
    `the ${what} of ${name} has been replaced since push ${serial}, and the former one must not come back`,
    "change the stack file instead, and run up",
  );
}

/** `config` is in the format of mesh/render: sections separated by empty lines. */
function withCurrentPeers(
  config: string,
  node: NodePlan,
  plan: Plan,
  serial: number,
): { config: string; leftOut: string[] } {
  const known = namesByKey(plan.nodes);
  const leftOut: string[] = [];
  const [head = "", ...sections] = config.trimEnd().split("\n\n");
  const kept = sections.flatMap((section) => {
    const name = section.split("\n", 1).join("").replace(/^# /, "");
    const key = /^PublicKey = (.*)$/m.exec(section)?.[1] ?? "";
    if (known.has(key)) return [withPlannedDate(section, key, node)];
    if (plan.nodes.some((it) => it.name === name)) throw keyWasReplaced(name, serial);
    leftOut.push(name);
    return [];
  });
  return { config: `${[head, ...kept].join("\n\n")}\n`, leftOut };
}

function withPlannedDate(section: string, key: string, { sections }: NodePlan): string {
  const planned = sections.find(({ publicKey }) => publicKey === key);
  if (planned === undefined) return section;
  const lines = section.split("\n").filter((line) => !line.startsWith(EXPIRY_COMMENT));
  const { expires } = planned;
  const date = expires === undefined ? [] : [`${EXPIRY_COMMENT}${formatTime(expires)}`];
  return [...lines, ...date].join("\n");
}

/** The changes from one state to another, as lines of a review. */
export function changesBetween(node: NodePlan, from: Generation, to: Generation): string[] {
  const [before, after] = [readStored(from), readStored(to)];
  const [change] = reviewOf(recordOf(node, before), recordOf(node, after)).nodes;
  const sameNames = JSON.stringify(before.names) === JSON.stringify(after.names);
  return [...(change?.lines ?? []), ...(sameNames ? [] : ["~ names of nodes"])];
}

function recordOf({ name, kind }: NodePlan, request: StoredRequest): NetworkRecord {
  const config = request.config.replace(/^(PrivateKey|PresharedKey) = .*$/gm, `$1 = ${HIDDEN}`);
  const filter = request.filter ?? null;
  const record = { kind, config, alternate: null, forwarding: forwardingOf(request), filter };
  return { ...NOTHING, nodes: new Map([[name, { ...record, pushed: true }]]) };
}
