/** Networks with a policy: examples of what each node gets. */
import assert from "node:assert/strict";
import type { Plan } from "../../../mesh/plan/plan";
import { renderFilter } from "../../../mesh/render/filter";
import { Secret } from "../../../mesh/secret";
import { routerOf } from "../../support/cryptokey-router";
import { keyPair } from "../../support/key-pairs";
import { machinesOf } from "../../support/machines-of";
import type { RawNetwork, RawNode } from "../../support/networks";
import { nodeIn, planOf } from "../../support/plan-of";
import { hostKey } from "../../support/small-network";

/** Case C10, from wg-easy #2769: groups on the relay, a LAN behind a peer, and answers. */
const groups = network(
  {
    relay: { address: "10.60.0.1", host: "root@203.0.113.10", hostKey },
    admin: { address: "10.60.0.2" },
    guest: { address: "10.60.0.3" },
    gw: { address: "10.60.0.4", subnets: ["192.168.73.0/24"] },
  },
  [{ from: ["admin"], to: ["*"] }],
);

describe("a network with a policy", () => {
  it("has the reach of case C10", () => {
    const plan = planOf(groups);
    const router = routerOf(machinesOf(groups, plan));
    const paths = [
      ["admin", "192.168.73.20"],
      ["admin", "10.60.0.4"],
      ["guest", "10.60.0.1"],
      ["guest", "192.168.73.20"],
      ["192.168.73.20", "10.60.0.2"],
      ["gw", "10.60.0.3"],
    ].map(([from = "", to = ""]) => router.path(from, to)?.join(" ") ?? null);
    assert.deepEqual(paths, ["admin relay gw", "admin relay gw", "guest relay", null, null, null]);
  });

  it("lets every node ask its relay for names, in a network with a domain", () => {
    const query = { protocol: "udp", port: 53 } as const;
    const asks = (raw: RawNetwork) =>
      routerOf(machinesOf(raw, planOf(raw))).path("guest", "10.60.0.1", query) !== null;
    assert.equal(asks(groups), false);
    assert.equal(
      asks({ ...groups, network: { ...groups.network, domain: "mesh.internal" } }),
      true,
    );
  });

  it("leaves out LANs and nodes from the allowed IPs of a peer that may not reach them", () => {
    const plan = planOf(groups);
    assert.deepEqual(allowed(plan, "admin"), { relay: ["10.60.0.0/24", "192.168.73.0/24"] });
    assert.deepEqual(allowed(plan, "guest"), { relay: ["10.60.0.2/32", "10.60.0.1/32"] });
    assert.deepEqual(allowed(plan, "gw"), { relay: ["10.60.0.2/32", "10.60.0.1/32"] });
  });

  it("has the whole network in the allowed IPs if a rule uses a tag, so that a new node changes nothing", () => {
    const relays = { relay: { ...groups.relays["relay"] } };
    const peers = { ...groups.peers, admin: { ...groups.peers["admin"], tags: ["admin"] } };
    const plan = planOf({ ...groups, relays, peers, policy: [{ from: ["tag:admin"], to: ["*"] }] });
    assert.deepEqual(allowed(plan, "guest"), { relay: ["10.60.0.0/24"] });
  });

  it("links peers directly only if the policy allows something between them and both ends can enforce it", () => {
    const vps = { address: "10.60.0.9", endpoint: "198.51.100.9:51820" };
    const host = { host: "root@198.51.100.9", hostKey };
    const links = (written: RawNode, policy: unknown) => {
      const nodes = { ...nodesOf(groups), vps: { ...vps, ...written } };
      const plan = planOf(network(nodes, policy));
      return plan.links.flatMap(({ a, b }) => (b === "vps" && a !== "relay" ? [a] : []));
    };
    const https = [{ from: ["guest"], to: ["vps"], ports: ["tcp/443"] }];
    assert.deepEqual(links(host, []), []);
    assert.deepEqual(links(host, https), []);
    assert.deepEqual(links({}, https), []);
    const both = [{ from: ["guest", "vps"], to: ["vps", "guest"] }];
    assert.deepEqual(links({}, both), ["guest"]);
    const back = [...https, { from: ["vps"], to: ["guest"] }];
    assert.deepEqual(links(host, back), ["guest"]);
    assert.deepEqual(links({}, back), []);
  });

  it("filters on a peer only packets from its limited direct links", () => {
    const vps = { address: "10.60.0.9", endpoint: "198.51.100.9:51820" };
    const host = { host: "root@198.51.100.9", hostKey };
    const policy = [
      { from: ["guest"], to: ["vps"], ports: ["tcp/443"] },
      { from: ["vps"], to: ["*"] },
      { from: ["admin"], to: ["vps"] },
    ];
    const plan = planOf(network({ ...nodesOf(groups), vps: { ...vps, ...host } }, policy));
    const text = renderFilter(nodeIn(plan, "vps"), plan.network) ?? "";
    assert.match(
      text,
      /set checked \{[^}]*elements = \{ 10\.60\.0\.3, 10\.60\.0\.4,\s+192\.168\.73\.0\/24 \}/,
    );
    assert.match(text, /ct original ip saddr != @checked accept/);
    assert.doesNotMatch(text, /10\.60\.0\.2/);
    assert.equal(renderFilter(nodeIn(plan, "admin"), plan.network), null);
  });

  it("pings only nodes that the policy lets it ping after a change", () => {
    const vps = { address: "10.60.0.9", endpoint: "198.51.100.9:51820" };
    const host = { host: "root@198.51.100.9", hostKey };
    const desk = { address: "10.60.0.8", host: "root@198.51.100.8", hostKey };
    const policy = [{ from: ["vps"], to: ["desk"] }];
    const plan = planOf(network({ ...nodesOf(groups), vps: { ...vps, ...host }, desk }, policy));
    assert.deepEqual(
      nodeIn(plan, "desk").sections.map(({ name }) => name),
      ["relay", "vps"],
    );
    assert.deepEqual(nodeIn(plan, "desk").probes, ["10.60.0.1"]);
  });

  it("makes a peer with a new key ping all its neighbours, which would not notice the key otherwise", () => {
    const vps = { address: "10.60.0.9", host: "root@198.51.100.9", hostKey };
    const endpoint = { endpoint: "198.51.100.9:51820" };
    const desk = { address: "10.60.0.8", host: "root@198.51.100.8", hostKey };
    const next = keyPair(50);
    const policy = [{ from: ["vps"], to: ["desk"] }];
    const nodes = {
      vps: { ...vps, ...endpoint },
      desk: { ...desk, nextPublicKey: next.publicKey },
    };
    const raw = network({ ...nodesOf(groups), ...nodes }, policy);
    const plan = planOf({ ...raw, privateKeys: { desk: Secret.of(next.privateKey) } });
    assert.deepEqual(nodeIn(plan, "desk").probes, ["10.60.0.1", "10.60.0.9"]);
  });
});

function allowed(plan: Plan, name: string): Record<string, string[]> {
  return Object.fromEntries(
    nodeIn(plan, name).sections.map((section) => [section.name, section.allowedIps]),
  );
}

function nodesOf({ relays, peers }: RawNetwork): Record<string, RawNode> {
  return { ...relays, ...peers };
}

/** The node `relay` is the relay. Every node gets a public key. */
function network(written: Record<string, RawNode>, policy: unknown): RawNetwork {
  const nodes = Object.entries(written).map(
    ([name, node], at) => [name, { ...node, publicKey: keyPair(at).publicKey }] as const,
  );
  return {
    network: { cidr: "10.60.0.0/24" },
    relays: Object.fromEntries(nodes.filter(([name]) => name === "relay")),
    peers: Object.fromEntries(nodes.filter(([name]) => name !== "relay")),
    privateKeys: {},
    policy,
  };
}
