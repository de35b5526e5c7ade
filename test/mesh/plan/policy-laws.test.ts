/** Reachability in a plan with a policy matches what the rendered configs and nftables tables do with packets. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Node } from "../../../mesh/config/config";
import { formatPorts } from "../../../mesh/config/ports";
import { lansFor } from "../../../mesh/plan/allowed-ips";
import { carries, indexLinks, pathBetween } from "../../../mesh/plan/paths";
import type { Plan } from "../../../mesh/plan/plan";
import { indexPolicy, type Access } from "../../../mesh/plan/policy";
import { reachOf } from "../../../mesh/plan/reach";
import { renderFilter } from "../../../mesh/render/filter";
import { renderRedacted } from "../../../mesh/render/render";
import { addressOfBits, bitsOf } from "../../support/address-bits";
import { routerOf, type Traffic } from "../../support/cryptokey-router";
import { machinesOf } from "../../support/machines-of";
import { shuffled, withNewPeer } from "../../support/network-edits";
import type { RawNetwork } from "../../support/networks";
import { planOf } from "../../support/plan-of";
import { limitedNetworks } from "../../support/policies";

/** Ports inside, at the edge of, and outside each range. */
const TRAFFIC = ["ping", "tcp/22", "tcp/443", "udp/443", "udp/53", "tcp/8000", "tcp/8150", "tcp/9"];

describe("a policy", () => {
  it("allows exactly the connections from nodes that the plan shows", () => {
    fc.assert(
      fc.property(limitedNetworks, (raw) => {
        const plan = planOf(raw);
        const router = routerOf(machinesOf(raw, plan));
        const index = indexLinks(plan.nodes, plan.links);
        const claimed = new Map(reachOf(plan).map((it) => [`${it.from} -> ${it.to}`, it]));
        for (const { from, to, address } of pairsOf(plan)) {
          const found = claimed.get(`${from} -> ${to}`);
          const carried = found !== undefined && carries(found.path, familyOf(address), index);
          for (const traffic of TRAFFIC) {
            const open = carried && isOpen(traffic, found.ports);
            const path = router.path(from, address, trafficOf(traffic));
            assert.deepEqual(
              path,
              open ? found.path : null,
              `${from} -> ${to} ${address} ${traffic}`,
            );
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("allows exactly the connections from LANs that its rules allow", () => {
    fc.assert(
      fc.property(limitedNetworks, (raw) => {
        const plan = planOf(raw);
        const router = routerOf(machinesOf(raw, plan));
        for (const { lan, to, address, access } of lanPairsOf(plan)) {
          for (const traffic of TRAFFIC) {
            const path = router.path(someHostIn(lan), address, trafficOf(traffic));
            const open = access !== "none" && isOpen(traffic, portsOf(access));
            assert.equal(path !== null, open, `${lan} -> ${to} ${traffic}`);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("does not depend on the order of the maps in the config", () => {
    const reordered = limitedNetworks.chain((raw) => fc.tuple(fc.constant(raw), shuffled(raw)));
    fc.assert(
      fc.property(reordered, ([raw, other]) => {
        assert.equal(JSON.stringify(planOf(other)), JSON.stringify(planOf(raw)));
      }),
      { numRuns: 40 },
    );
  });

  it("changes only the peer itself, its links and the relays when a peer is added", () => {
    fc.assert(
      fc.property(
        limitedNetworks.filter((raw) => Object.keys(raw.relays).length > 0),
        (raw) => {
          const [before, after] = [textsOf(raw), textsOf(withNewPeer(raw))];
          const { links, nodes } = planOf(withNewPeer(raw));
          const mayKnow = [
            "new-peer",
            ...links.flatMap(({ a, b }) => (a === "new-peer" ? [b] : b === "new-peer" ? [a] : [])),
            ...nodes.filter(({ kind }) => kind === "relay").map(({ name }) => name),
          ];
          for (const [name, text] of after)
            if (!mayKnow.includes(name)) assert.equal(text, before.get(name), name);
        },
      ),
      { numRuns: 60 },
    );
  });
});

function textsOf(raw: RawNetwork): Map<string, string> {
  const plan = planOf(raw);
  return new Map(
    plan.nodes.map((node) => [
      node.name,
      renderRedacted(node, plan.network) + (renderFilter(node, plan.network) ?? ""),
    ]),
  );
}

/** `ports`: as in Reach; undefined: everything. */
function isOpen(traffic: string, ports: readonly string[] | undefined): boolean {
  if (ports === undefined || traffic === "ping") return true;
  const { protocol, port } = trafficOf(traffic);
  return ports.some((range) => {
    const [, name, first, last = first] = /^(\w+)\/(\d+)(?:-(\d+))?$/.exec(range) ?? [];
    return name === protocol && Number(first) <= port && port <= Number(last);
  });
}

function trafficOf(text: string): Traffic {
  const [protocol = "", port = "0"] = text.split("/");
  return protocol === "tcp" || protocol === "udp"
    ? { protocol, port: Number(port) }
    : { protocol: "icmp", port: 0 };
}

function pairsOf(plan: Plan): { from: string; to: string; address: string }[] {
  return plan.nodes.flatMap((from) =>
    plan.nodes
      .filter((to) => to !== from)
      .flatMap((to) => targetsAt(to).map((target) => ({ from: from.name, ...target }))),
  );
}

/** The members at a node, with an address of each. */
function targetsAt({ name, address, address6, subnets }: Node): { to: string; address: string }[] {
  return [
    { to: name, address: address.text },
    ...(address6 === null ? [] : [{ to: name, address: address6.text }]),
    ...subnets.map(({ text }) => ({ to: text, address: someHostIn(text) })),
  ];
}

/** What machines in a LAN may start, where the tunnel routes from one to the other. */
function lanPairsOf(plan: Plan): { lan: string; to: string; address: string; access: Access }[] {
  const index = indexLinks(plan.nodes, plan.links);
  const policy = indexPolicy(plan);
  return plan.nodes.flatMap((gateway) =>
    plan.nodes
      .filter((to) => to !== gateway)
      .flatMap((to) =>
        gateway.subnets.flatMap((lan) =>
          targetsAt(to)
            .filter(({ address }) => familyOf(address) === lan.family)
            .map((target) => {
              const path = pathBetween(gateway, to, index);
              const isNode = target.to === to.name;
              const routed =
                path !== null &&
                carries(path, lan.family, index) &&
                lansFor(to, gateway).includes(lan) &&
                (isNode || lansFor(gateway, to).some(({ text }) => text === target.to));
              const access = policy?.access(lan.text, target.to) ?? "all";
              return { lan: lan.text, ...target, access: routed ? access : ("none" as const) };
            }),
        ),
      ),
  );
}

function portsOf(access: Exclude<Access, "none">): string[] | undefined {
  return access === "all" ? undefined : access.map(formatPorts);
}

function familyOf(address: string): 4 | 6 {
  return address.includes(":") ? 6 : 4;
}

/** The first address after the network address. */
function someHostIn(prefix: string): string {
  return addressOfBits(`${bitsOf(prefix.slice(0, prefix.indexOf("/"))).slice(0, -1)}1`);
}
