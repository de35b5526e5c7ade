import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { findTarget, traceOf, traceProbes, pathTo, type Trace } from "../../../mesh/doctor/trace";
import type { Plan } from "../../../mesh/plan/plan";
import { pingText } from "../../../scripts/commands/ping/ping-text";
import { nodeIn, planOf } from "../../support/plan-of";
import { changed, hostKey } from "../../support/small-network";

const host = (address: string) => ({ host: `root@${address}`, hostKey });
const network = {
  relays: { tokyo: host("203.0.113.10") },
  peers: {
    desktop: { ...host("192.168.1.20"), subnets: ["192.168.77.0/24"] },
    laptop: host("192.168.12.30"),
  },
};
const plan = planOf(changed(network));

const OUTER = new Map([
  ["laptop tokyo", "203.0.113.10"],
  ["tokyo desktop", "203.0.113.21"],
]);
const [TOKYO, DESKTOP] = ["10.86.0.1", "10.86.0.2"];

function trace(to: string, lost: readonly string[] = [], of: Plan = plan): Trace {
  const target = findTarget(to, of);
  assert.ok(target);
  const way = pathTo(nodeIn(of, "laptop"), target, of);
  assert.ok(way);
  const probes = traceProbes(way, target, OUTER);
  const answers = (node: string) =>
    new Map(
      (probes.get(node) ?? []).map(({ address }, at) => {
        return [address, lost.includes(`${node} ${address}`) ? null : 10 * (at + 1)] as const;
      }),
    );
  return traceOf(way, target, of, OUTER, new Map(way.map(({ name }) => [name, answers(name)])));
}

describe("the path of a ping", () => {
  it("has each hop, with the latency in the tunnel and outside of it", () => {
    assert.deepEqual(trace("desktop"), {
      ...{ ok: true, from: "laptop", to: "desktop", stops: null, allowed: true },
      hops: [
        {
          ...{ name: "tokyo", address: TOKYO, ms: 30, legMs: 30 },
          outside: { address: "203.0.113.10", ms: 20 },
        },
        {
          ...{ name: "desktop", address: DESKTOP, ms: 40, legMs: 20 },
          outside: { address: "203.0.113.21", ms: 10 },
        },
      ],
      direct: { address: "203.0.113.21", ms: 10 },
    });
  });

  it("ends at a machine in a LAN, behind the gateway", () => {
    const { hops } = trace("192.168.77.50");
    assert.deepEqual(
      hops.map(({ name }) => name),
      ["tokyo", "desktop", "192.168.77.50"],
    );
  });

  it("accepts a node's tunnel address, and no other address", () => {
    assert.equal(findTarget(DESKTOP, plan)?.name, "desktop");
    assert.equal(findTarget("192.168.78.50", plan), null);
    assert.equal(findTarget("nobody", plan), null);
  });

  it("shows where the ping is lost, and the command that finds the cause", () => {
    const lost = trace("desktop", [`laptop ${DESKTOP}`]);
    assert.deepEqual([lost.ok, lost.stops], [false, { after: "tokyo", before: "desktop" }]);
    const text = stripVTControlCharacters(pingText(lost));
    assert.match(text, /^The ping is lost between tokyo and desktop\.\s.*doctor tokyo desktop$/ms);
    const all = trace("desktop", [`laptop ${TOKYO}`, `laptop ${DESKTOP}`]);
    assert.deepEqual(all.stops, { after: "laptop", before: "tokyo" });
    const lan = trace("192.168.77.50", ["laptop 192.168.77.50"]);
    assert.match(stripVTControlCharacters(pingText(lan)), /doctor desktop$/);
  });

  it("arrives past a hop that answers no ping", () => {
    assert.equal(trace("desktop", [`laptop ${TOKYO}`]).stops, null);
  });

  it("names the policy that forbids it", () => {
    const strict = planOf(changed({ ...network, policy: [{ from: ["desktop"], to: ["*"] }] }));
    const lost = trace("desktop", [`laptop ${DESKTOP}`], strict);
    assert.equal(lost.allowed, false);
    assert.match(
      stripVTControlCharacters(pingText(lost)),
      /^The policy lets laptop start nothing to desktop, not even a ping\./m,
    );
  });

  it("is a table of at most 80 columns", () => {
    assert.equal(
      stripVTControlCharacters(pingText(trace("desktop"))),
      [
        "laptop to desktop: through tokyo",
        "",
        "HOP      ADDRESS    LEG    OUTSIDE             FROM laptop",
        "tokyo    10.86.0.1  30 ms  20 ms 203.0.113.10  30 ms",
        "desktop  10.86.0.2  20 ms  10 ms 203.0.113.21  40 ms",
        "",
        "Without the tunnel: 10 ms to 203.0.113.21, where desktop or its router is",
      ].join("\n"),
    );
  });
});
