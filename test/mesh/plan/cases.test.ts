/** Networks with a known right answer: their sections, set against set, and who reaches whom. */
import assert from "node:assert/strict";
import { renderRedacted } from "../../../mesh/render/render";
import { cases, type ExpectedSection } from "../../support/cases";
import { routerOf } from "../../support/cryptokey-router";
import { nodeIn, planOf } from "../../support/plan-of";
import { readWgQuick, type WgPeer } from "../../support/wg-quick-text";
import { worldOf } from "../../support/world-of";

for (const { title, raw, expect, reach } of Object.values(cases)) {
  describe(`case ${title}`, () => {
    const plan = planOf(raw);
    const names = new Map(plan.nodes.map((node) => [node.publicKey, node.name]));

    for (const [name, sections] of Object.entries(expect)) {
      it(`${name} has a section for ${Object.keys(sections).join(", ")}, with just what it needs`, () => {
        const { peers } = readWgQuick(renderRedacted(nodeIn(plan, name), plan.network));
        const found = peers.map((peer) => [names.get(peer.publicKey), sectionOf(peer)] as const);
        assert.deepEqual(Object.fromEntries(found), mapValues(sections, sorted));
      });
    }

    for (const [from, address, path] of reach) {
      it(`${from} ${path === null ? "does not reach" : "reaches"} ${address}`, () => {
        assert.deepEqual(routerOf(worldOf(raw, plan)).path(from, address), path);
      });
    }

    it("only nodes that others dial have a port, only relays and gateways forward", () => {
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
