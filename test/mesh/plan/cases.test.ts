/** Known networks: their exact peer sections, and which addresses are reachable. */
import assert from "node:assert/strict";
import { renderRedacted } from "../../../mesh/render/render";
import { cases, type ExpectedSection } from "../../support/cases";
import { routerOf } from "../../support/cryptokey-router";
import { nodeIn, planOf } from "../../support/plan-of";
import { readWgQuick, type WgPeer } from "../../support/wg-quick-text";
import { machinesOf } from "../../support/machines-of";

for (const { title, raw, expect, reach } of Object.values(cases)) {
  describe(`case ${title}`, () => {
    const plan = planOf(raw);
    const names = new Map(plan.nodes.map((node) => [node.publicKey, node.name]));

    for (const [name, sections] of Object.entries(expect)) {
      it(`${name} has a section for ${Object.keys(sections).join(", ")}, and no other`, () => {
        const { peers } = readWgQuick(renderRedacted(nodeIn(plan, name), plan.network));
        const found = peers.map((peer) => [names.get(peer.publicKey), sectionOf(peer)] as const);
        assert.deepEqual(Object.fromEntries(found), mapValues(sections, sorted));
      });
    }

    for (const [from, address, path] of reach) {
      it(`${from} ${path === null ? "does not reach" : "reaches"} ${address}`, () => {
        assert.deepEqual(routerOf(machinesOf(raw, plan)).path(from, address), path);
      });
    }

    it("only nodes that are dialled have a listen port; only relays and gateways forward", () => {
      for (const node of plan.nodes) {
        const dialled = Object.values(expect).some((to) => to[node.name]?.endpoint !== undefined);
        assert.equal(node.listenPort, dialled ? 51820 : null);
        const forwards = node.kind === "relay" || node.subnets.length > 0;
        assert.deepEqual(node.forwarding, { ipv4: forwards, ipv6: false });
      }
    });
  });
}

function sectionOf(peer: WgPeer): ExpectedSection {
  return sorted({
    allowed: peer.allowedIps,
    ...(peer.endpoint === null ? {} : { endpoint: peer.endpoint }),
    ...(peer.persistentKeepalive === null ? {} : { keepalive: peer.persistentKeepalive }),
    ...(peer.presharedKey === null ? {} : { psk: true }),
  });
}

function sorted(section: ExpectedSection): ExpectedSection {
  return { ...section, allowed: [...section.allowed].sort() };
}

function mapValues<T, U>(map: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}
