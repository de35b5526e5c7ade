/** Hosts that are reached only through the tunnel: nothing in the plan may cut off the way by which they are pushed to. */
import assert from "node:assert/strict";
import { routerOf } from "../../support/cryptokey-router";
import { keyPair } from "../../support/key-pairs";
import { machinesOf } from "../../support/machines-of";
import type { RawNetwork, RawNode } from "../../support/networks";
import { nodeIn, planOf } from "../../support/plan-of";
import { hostKey } from "../../support/small-network";

const relayAt = (address: string, outer: string): RawNode => ({
  address,
  host: `root@${outer}`,
  endpoint: `${outer}:51820`,
  hostKey,
});
const NAS: RawNode = { address: "10.60.0.9", relay: "tokyo", host: "root@via:tokyo", hostKey };
const SSH = { protocol: "tcp", port: 22 } as const;

/** Two relays, a host behind each, and a peer that is reached at its own address. */
function network(more: Record<string, RawNode> = {}, policy?: unknown): RawNetwork {
  const written: Record<string, RawNode> = {
    tokyo: relayAt("10.60.0.1", "203.0.113.10"),
    osaka: relayAt("10.60.0.2", "203.0.113.20"),
    nas: NAS,
    desk: { address: "10.60.0.8", relay: "tokyo", host: "root@198.51.100.8", hostKey },
  };
  const names = [...new Set([...Object.keys(written), ...Object.keys(more)])];
  const nodes = names.map((name, at): [string, RawNode] => [
    name,
    { ...written[name], ...more[name], publicKey: keyPair(at).publicKey },
  ]);
  const isRelay = ([name]: [string, RawNode]) => ["tokyo", "osaka", "kyoto"].includes(name);
  return {
    network: { cidr: "10.60.0.0/24" },
    relays: Object.fromEntries(nodes.filter(isRelay)),
    peers: Object.fromEntries(nodes.filter((it) => !isRelay(it))),
    privateKeys: {},
    ...(policy === undefined ? {} : { policy }),
  };
}

describe("a host that is reached only through the tunnel", () => {
  it("keeps a relay that has expired, because no later date could reach the host without it", () => {
    const expires = "2099-12-31";
    const kyoto = { ...relayAt("10.60.0.3", "203.0.113.30"), host: "root@via:tokyo" };
    const plan = planOf(network({ tokyo: { expires }, kyoto }));
    const dates = (name: string) =>
      nodeIn(plan, name).sections.flatMap((it) => (it.expires === undefined ? [] : [it.name]));
    assert.deepEqual(["nas", "kyoto"].map(dates), [[], []]);
    assert.deepEqual(["desk", "osaka"].map(dates), [["tokyo"], ["tokyo"]]);
  });

  it("removes a peer that has expired", () => {
    const endpoint = { endpoint: "198.51.100.8:51820", expires: "2099-12-31" };
    const plan = planOf(network({ desk: endpoint }));
    assert.deepEqual(
      nodeIn(plan, "nas").sections.map(({ name, expires }) => [name, expires !== undefined]),
      [
        ["desk", true],
        ["tokyo", false],
      ],
    );
  });

  it("accepts a login from any address of a relay, with any policy", () => {
    // Its relay is pushed to first: then the login comes from the relay's new address, or by the next relay.
    const before = network({}, []);
    const changes: Record<string, RawNode>[] = [
      { tokyo: { address: "10.60.0.77" } },
      { osaka: { address: "10.60.0.77" }, nas: { host: "root@via:osaka" } },
    ];
    for (const change of changes) {
      const after = network(change, []);
      const [own] = machinesOf(before, planOf(before)).filter(({ name }) => name === "nas");
      const others = machinesOf(after, planOf(after)).filter(({ name }) => name !== "nas");
      assert.ok(own !== undefined);
      const from = "tokyo" in change ? "tokyo" : "osaka";
      const path = routerOf([...others, own]).path(from, "10.60.0.9", SSH);
      assert.deepEqual(path, from === "tokyo" ? ["tokyo", "nas"] : ["osaka", "tokyo", "nas"]);
    }
  });

  it("answers pings of every relay, which locate it that way, with any policy", () => {
    const raw = network({}, []);
    const router = routerOf(machinesOf(raw, planOf(raw)));
    assert.deepEqual(router.path("tokyo", "10.60.0.9"), ["tokyo", "nas"]);
    assert.deepEqual(router.path("osaka", "10.60.0.9"), ["osaka", "tokyo", "nas"]);
    assert.equal(router.path("osaka", "10.60.0.9", SSH), null);
    assert.equal(router.path("osaka", "10.60.0.8"), null);
  });
});
