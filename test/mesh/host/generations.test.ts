/** What a push keeps for a rollback, and its number. */
import assert from "node:assert/strict";
import { decide } from "../../../mesh/host/decide";
import type { Generation } from "../../../mesh/host/stored-request";
import { parseObservation } from "../../../mesh/host/observation";
import { changeOn, decideOn, pushed, RELAY, wantedBy, neighbour } from "./support/examples";
import { freshHost } from "./support/hosts";
import { look, OPTIONS } from "./support/situations";

const kept = (...serials: number[]) => ({
  generations: new Map(serials.map((serial) => [serial, null])),
});
const OTHER = { ...RELAY, port: 51821 };

describe("a push", () => {
  it("gets a number above those of all states that the host keeps, after a rollback too", () => {
    const host = pushed();
    const decision = decideOn(host, OTHER, () => kept(1, 5, 9));
    assert.ok(decision.kind === "change");
    assert.equal(decision.serial, 10);
  });

  it("has the number of the state that it goes back to", () => {
    const host = pushed();
    const wanted = wantedBy(OTHER);
    const observed = { ...look(host, wanted), ...kept(1, 5, 9) };
    const decision = decide(observed, wanted, { ...OPTIONS, generation: 5 });
    assert.ok(decision.kind === "change");
    assert.equal(decision.serial, 5);
  });

  it("keeps its state after its record, as the last step but the keys", () => {
    const { commit } = changeOn(freshHost());
    const steps = commit.map((step) => (step.do === "place" ? step.path : step.do));
    const at = steps.indexOf("keep");
    assert.ok(
      at > steps.indexOf("/var/lib/wireguard-mesh/wg0/confirmed") && at !== -1,
      String(steps),
    );
  });

  it("keeps none while keys are moving", () => {
    const rotating = { ...RELAY, neighbours: [neighbour(0, { keys: "both" })] };
    assert.ok(!changeOn(freshHost(), rotating).commit.some((step) => step.do === "keep"));
  });
});

describe("the states that a host reports", () => {
  const observed = (host: string[], generations: string[]): [number, Generation | null][] => {
    const sections = new Map([["host", host]]);
    if (generations.length > 0) sections.set("generations", generations);
    return [...parseObservation(sections, "wg0").generations];
  };

  it("are numbers, with their content if it was requested", () => {
    const folder = "/var/lib/wireguard-mesh/wg0";
    const host = ["generation 3", "generation 4", "generation x", "generation -1"];
    assert.deepEqual(observed(host, []), [
      [3, null],
      [4, null],
    ]);
    const line = `${folder}/generations/4:${folder}/.request.wireguard-mesh:17 {"config":"a: b"}`;
    const [[, three] = [0, null], [, four] = [0, null]] = observed(host, [line, "odd", ""]);
    assert.equal(three, null);
    assert.deepEqual([four?.at, four?.request.reveal()], [17, '{"config":"a: b"}']);
  });

  it("are ignored where their file is damaged", () => {
    const place = "/x/generations/4:/x/.request.wireguard-mesh:17";
    for (const text of ['{"config":"PresharedKey = S', "PresharedKey = S", "null", "{}", ""]) {
      const states = observed(["generation 4"], [`${place} ${text}`]);
      assert.deepEqual(states, [[4, null]], text);
    }
  });
});
