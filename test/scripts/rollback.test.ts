/** The state that a rollback goes to, and the peers that it restores. */
import assert from "node:assert/strict";
import { storedRequest, type Generation } from "../../mesh/host/stored-request";
import type { Plan } from "../../mesh/plan/plan";
import type { PushRequest } from "../../mesh/push-request";
import { renderPushRequest } from "../../mesh/render/push-request";
import { Secret } from "../../mesh/secret";
import { Failure } from "../../scripts/stack/failure";
import {
  changesBetween,
  chooseState,
  rollbackTo,
  type StoredStates,
  type Rollback,
} from "../../scripts/stack/rollback";
import * as by from "./support/hand-edits";
import { HOST_KEY, keyOf, nodeOf, nodes, planWithKeys, privateKeyOf } from "./support/network";
import { asPlanned, keyringOf, OWNER, plannedAs } from "./support/planned-network";

const node = nodes("tokyo", "nas", "phone", "tablet");

/** `nas` in the former or the present network. */
function network(peers: object, relay: object = {}): Plan {
  return planWithKeys({
    relays: { tokyo: node("tokyo", { host: "root@203.0.113.10", hostKey: HOST_KEY, ...relay }) },
    peers: { nas: node("nas", { host: "local" }), ...peers },
    presharedKeySeed: Secret.sealed(),
  });
}

const all = { phone: node("phone"), tablet: node("tablet") };
const then = network(all);

function generationOf(plan: Plan, name: string, seed = "seed"): Generation {
  const keyring = { ...keyringOf(plan), presharedKeySeed: privateKeyOf(seed) };
  const text = renderPushRequest(nodeOf(plan, name), plan, keyring, OWNER).reveal();
  return { at: 1, request: storedRequest(JSON.parse(text) as PushRequest, keyOf(name)) };
}

const stored = (states: Record<number, Generation>, present: number): StoredStates => ({
  states: new Map(Object.entries(states).map(([serial, state]) => [Number(serial), state])),
  present,
  observed: asPlanned(then, "tokyo"),
});

function rolledBack(now: Plan, name = "tokyo"): Rollback {
  const access = { ...plannedAs(now), sshPrivateKey: null };
  return rollbackTo(4, stored({ 4: generationOf(then, name) }, 5), nodeOf(now, name), access);
}

function refusalOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Failure) return `${error.message}; ${error.remedy ?? ""}`;
    throw error;
  }
  return "none";
}

describe("the stored push request", () => {
  const text = generationOf(then, "tokyo").request;

  it("has no private key, no login and no owner", () => {
    const request = JSON.parse(text.reveal()) as Partial<PushRequest>;
    assert.match(request.config ?? "", /^PrivateKey = \(on this host\) /m);
    assert.ok(!text.reveal().includes(privateKeyOf("tokyo").reveal()));
    for (const name of ["targets", "sshPrivateKey", "owner", "machine", "identity"] as const)
      assert.ok(!(name in request), name);
    assert.equal(String(text), "(hidden)");
  });
});

describe("a rollback", () => {
  it("is the former push with the current login, and its former serial", () => {
    const { request, leftOut } = rolledBack(network(all, { host: "root@203.0.113.99" }));
    const wanted = JSON.parse(
      renderPushRequest(nodeOf(then, "tokyo"), then, keyringOf(then), OWNER).reveal(),
    ) as PushRequest;
    const config = wanted.config.replace(
      /^PrivateKey = .*$/m,
      `PrivateKey = (on this host) ${keyOf("tokyo")}`,
    );
    assert.deepEqual(leftOut, []);
    assert.equal(request.config, config);
    assert.equal(request.generation, 4);
    assert.match(JSON.stringify(request.targets), /203\.0\.113\.99/);
  });

  it("leaves out peers that were removed or disabled since, and lists them", () => {
    const { request, leftOut } = rolledBack(network({ phone: node("phone", { enabled: false }) }));
    assert.deepEqual(leftOut, ["phone", "tablet"]);
    assert.deepEqual(
      [...request.config.matchAll(/^PublicKey = (.*)$/gm)].map(([, key]) => key),
      [keyOf("nas")],
    );
  });

  it("keeps the current expiry dates", () => {
    const dated = network({ ...all, phone: node("phone", { expires: "1970-03-01" }) });
    const { request } = rolledBack(dated);
    assert.equal(request.config.match(/^# Expires = 1970-03-0.*$/gm)?.length, 1);
    const access = { ...plannedAs(then), sshPrivateKey: null };
    const states = stored({ 4: generationOf(dated, "tokyo") }, 5);
    const back = rollbackTo(4, states, nodeOf(then, "tokyo"), access).request;
    assert.doesNotMatch(back.config, /Expires/);
  });

  it("is refused if a key was replaced since, because the former one must not come back", () => {
    const own = network(all, { publicKey: keyOf("tokyo 2") });
    assert.match(
      refusalOf(() => rolledBack(own)),
      /^the key of tokyo has been replaced since push 4/,
    );
    const theirs = network({ ...all, phone: node("phone", { publicKey: keyOf("phone 2") }) });
    assert.match(
      refusalOf(() => rolledBack(theirs)),
      /^the key of phone has been replaced since/,
    );
  });

  it("is refused if a preshared key was replaced since, because the peers have the new one", () => {
    const access = { ...plannedAs(then), sshPrivateKey: null };
    const back = (seed: string) => {
      const states = { 4: generationOf(then, "tokyo"), 5: generationOf(then, "tokyo", seed) };
      return refusalOf(() => rollbackTo(4, stored(states, 5), nodeOf(then, "tokyo"), access));
    };
    assert.match(back("seed 2"), /^the preshared key of nas has been replaced since push 4/);
    assert.equal(back("seed"), "none");
  });

  it("is refused during a rotation, with the node's name, and while keys or addresses move on the host", () => {
    const rotating = network({
      ...all,
      nas: node("nas", { host: "local", nextPublicKey: keyOf("nas 2") }),
    });
    assert.match(
      refusalOf(() => rolledBack(rotating)),
      /^the key of nas is being rotated.*; npx wireguard-mesh rotate nas --finish, or --cancel$/,
    );
    const observed = by.records({ rotation: ["former wg0 10.86.0.9/32 10.86.0.8/32"] })(
      asPlanned(then, "tokyo"),
    );
    const states = { ...stored({ 4: generationOf(then, "tokyo") }, 5), observed };
    const access = { ...plannedAs(then), sshPrivateKey: null };
    assert.match(
      refusalOf(() => rollbackTo(4, states, nodeOf(then, "tokyo"), access)),
      /^keys or addresses are still moving on tokyo; .* repush tokyo$/,
    );
  });
});

describe("the state that a rollback goes to", () => {
  const state = generationOf(then, "tokyo");
  const other = generationOf(network(all, { mtu: 1380 }), "tokyo");
  /** The states of `same` do not differ from the present one. */
  const choose = (serials: number[], present: number, to?: number, same: number[] = []) => {
    const stateOf = (serial: number) => ([present, ...same].includes(serial) ? other : state);
    const states = Object.fromEntries(serials.map((serial) => [serial, stateOf(serial)]));
    return chooseState(stored(states, present), nodeOf(then, "tokyo"), to);
  };

  it("is the one before the current one, or the given one", () => {
    assert.equal(choose([2, 3, 5], 5), 3);
    assert.equal(choose([2, 3, 5], 3), 2);
    assert.equal(choose([2, 3, 5], 3, 5), 5);
  });

  it("differs from the current one, unless it is given", () => {
    assert.equal(choose([2, 3, 5], 5, undefined, [3]), 2);
    assert.equal(choose([2, 3, 5], 5, 3, [3]), 3);
    assert.match(
      refusalOf(() => choose([2, 3, 5], 5, undefined, [2, 3])),
      /^tokyo keeps no state whose config differs from the present one; /,
    );
  });

  it("must exist, and not be the current one", () => {
    assert.match(
      refusalOf(() => choose([5], 5)),
      /^tokyo keeps no state before the present one/,
    );
    assert.match(
      refusalOf(() => choose([2, 5], 5, 4)),
      /^tokyo does not keep push 4; .* --list$/,
    );
    assert.match(
      refusalOf(() => choose([2, 5], 5, 5)),
      /^tokyo is at push 5; .* repush tokyo$/,
    );
  });

  it("is described by the changes of the rollback", () => {
    const now = network({ phone: node("phone") }, { mtu: 1380 });
    const changes = changesBetween(nodeOf(now, "tokyo"), generationOf(now, "tokyo"), state);
    assert.deepEqual(changes, ["~ MTU 1380 -> none", "+ peer tablet"]);
    assert.deepEqual(changesBetween(nodeOf(now, "tokyo"), state, state), []);
  });
});
