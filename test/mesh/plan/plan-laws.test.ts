/** Properties of every plan: which configs an edit changes, and which allowed IPs may overlap. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { PeerSection } from "../../../mesh/plan/peer-section";
import type { Plan } from "../../../mesh/plan/plan";
import { renderRedacted } from "../../../mesh/render/render";
import { bitsOfPrefix, isInPrefix, sameFamily } from "../../support/address-bits";
import { keyPair } from "../../support/key-pairs";
import {
  renamed,
  shuffled,
  withNewPeer,
  withNewPeerIn,
  withoutPeer,
} from "../../support/network-edits";
import {
  networks,
  openNetworks,
  PRESHARED_KEY_SEED,
  type RawNetwork,
} from "../../support/networks";
import { readWgQuick } from "../../support/wg-quick-text";
import { nodeIn, planOf } from "../../support/plan-of";

describe("a plan", () => {
  it("does not depend on the order of the maps in the config", () => {
    const reordered = networks.chain((raw) => fc.tuple(fc.constant(raw), shuffled(raw)));
    fc.assert(
      fc.property(reordered, ([raw, other]) => {
        assert.equal(JSON.stringify(planOf(other)), JSON.stringify(planOf(raw)));
      }),
    );
  });

  it("changes only the configs of its links and of the relays when a plain peer is added", () => {
    fc.assert(
      fc.property(
        networks.filter((raw) => Object.keys(raw.relays).length > 0),
        (raw) => {
          const before = planOf(raw);
          const after = planOf(withNewPeer(raw));
          assert.deepEqual(changed(before, after), affectedBy(after, "new-peer"));
        },
      ),
    );
  });

  it("changes only its own config and its home relay's when a plain peer is added in that relay's range", () => {
    let several = 0;
    fc.assert(
      fc.property(networks, (raw) => {
        const before = planOf(raw);
        for (const relay of relaysWithRange(raw, before)) {
          const after = planOf(withNewPeerIn(raw, relay));
          assert.deepEqual(changed(before, after), neighboursOf(after, "new-peer"));
          several += relaysOf(before).length > 1 ? 1 : 0;
        }
      }),
    );
    assert.ok(several > 0);
  });

  it("changes only the configs of its links and of the relays when a plain peer is removed", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        const before = planOf(raw);
        for (const name of plainPeers(raw, before)) {
          const after = planOf(withoutPeer(raw, name));
          assert.deepEqual(changed(before, after), affectedBy(before, name));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("changes only comments when a peer is renamed", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        const name = Object.keys(raw.peers)[0];
        fc.pre(name !== undefined);
        const before = textsOf(planOf(raw));
        const after = textsOf(planOf(renamed(raw, name, "zz-renamed")));
        const back = new Map([...after].map(([owner, text]) => [backTo(name, owner), text]));
        assert.deepEqual(sectionsOf(back), sectionsOf(before));
      }),
      { numRuns: 60 },
    );
  });

  it("has disjoint allowed IPs, except for the network at a peer's home relay and a relay's range", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        const plan = planOf(raw);
        const tunnels = [plan.network.cidr.text, plan.network.cidr6?.text, "0.0.0.0/0", "::/0"];
        const isRange = (name: string, prefix: string) =>
          nodeIn(plan, name).peerRanges?.some((range) => range.text === prefix) === true;
        for (const node of plan.nodes) {
          const entries = node.sections.flatMap(({ name, allowedIps }) =>
            allowedIps.map((prefix) => ({ name, prefix })),
          );
          const intended = entries.filter(({ name, prefix }) => {
            return tunnels.includes(prefix) && name === node.relay;
          });
          const wide = (entry: (typeof entries)[number]) =>
            intended.includes(entry) || isRange(entry.name, entry.prefix);
          assertDisjoint(entries.filter((entry) => !wide(entry)));
          assert.ok(intended.length <= 2);
          assertDisjoint(entries.filter(({ name, prefix }) => isRange(name, prefix)));
        }
      }),
    );
  });

  it("has no IPv6 allowed IPs at a node without an IPv6 address, where wg-quick would fail", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        const without6 = planOf(raw).nodes.filter(({ address6 }) => address6 === null);
        for (const node of without6.filter(({ blockIpv6 }) => blockIpv6 !== true)) {
          const prefixes = node.sections.flatMap(({ allowedIps }) => allowedIps);
          assert.deepEqual(
            prefixes.filter((prefix) => prefix.includes(":")),
            [],
          );
        }
      }),
    );
  });

  it("has a keepalive only for dialled neighbours that cannot dial back, or if the config sets one", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        const plan = planOf(raw);
        for (const { a, b } of plan.links) {
          const [one, other] = [sectionOf(plan, a, b), sectionOf(plan, b, a)];
          assert.equal(one.persistentKeepalive, keepaliveOf(raw, a, one, other));
          assert.equal(other.persistentKeepalive, keepaliveOf(raw, b, other, one));
        }
      }),
    );
  });

  it("is plain data without a secret", () => {
    fc.assert(
      fc.property(openNetworks, (raw) => {
        const plan = planOf(raw);
        const text = JSON.stringify(plan);
        assert.deepEqual(JSON.parse(text), plan);
        const secrets = Array.from({ length: 15 }, (_, at) => keyPair(at).privateKey);
        assert.deepEqual(
          [...secrets, PRESHARED_KEY_SEED].filter((secret) => text.includes(secret)),
          [],
        );
        assert.ok(!text.includes("(hidden)"));
      }),
      { numRuns: 30 },
    );
  });
});

function textsOf(plan: Plan): Map<string, string> {
  return new Map(plan.nodes.map((node) => [node.name, renderRedacted(node, plan.network)]));
}

/** Names of the nodes whose text was added, removed or changed, sorted. */
function changed(before: Plan, after: Plan): string[] {
  const [old, updated] = [textsOf(before), textsOf(after)];
  const names = new Set([...old.keys(), ...updated.keys()]);
  return [...names].filter((name) => old.get(name) !== updated.get(name)).sort();
}

/**
 * The peer, its neighbours, and all relays, because their sections for its home relay list its address; not if that is
 * in the relay's range.
 */
function affectedBy(plan: Plan, name: string): string[] {
  const { address, address6, relay } = nodeIn(plan, name);
  const ranges = plan.nodes.find((node) => node.name === relay)?.peerRanges ?? [];
  const inRange = [address, address6].every(
    (own) => own === null || ranges.some((range) => isInPrefix(own.text, range.text)),
  );
  const relays = inRange ? [] : relaysOf(plan);
  return [...new Set([...neighboursOf(plan, name), ...relays])].sort();
}

/** The node and those that it has a link to: a plain peer's are its home relay and peers with an endpoint. */
function neighboursOf(plan: Plan, name: string): string[] {
  const linked = plan.links.flatMap(({ a, b }) => (a === name ? [b] : b === name ? [a] : []));
  return [name, ...linked].sort();
}

function relaysOf(plan: Plan): string[] {
  return plan.nodes.filter((node) => node.kind === "relay").map((node) => node.name);
}

function relaysWithRange(raw: RawNetwork, plan: Plan): string[] {
  return relaysOf(plan).filter((relay) => raw.relays[relay]?.["peersCidr"] !== undefined);
}

/** Active peers without a LAN. */
function plainPeers(raw: RawNetwork, plan: Plan): string[] {
  const plain = Object.entries(raw.peers).filter(([, peer]) => peer["subnets"] === undefined);
  const names = plain.map(([name]) => name);
  return plan.nodes.map((node) => node.name).filter((name) => names.includes(name));
}

function backTo(name: string, owner: string): string {
  return owner === "zz-renamed" ? name : owner;
}

/** Sections without comments and in an order that does not depend on names. */
function sectionsOf(texts: Map<string, string>): Map<string, unknown> {
  const read = [...texts].sort().map(([name, text]): [string, unknown] => {
    const { peers, ...own } = readWgQuick(text);
    const sections = peers.map((peer) => ({ ...peer, allowedIps: [...peer.allowedIps].sort() }));
    sections.sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1));
    return [name, { ...own, sections }];
  });
  return new Map(read);
}

function sectionOf(plan: Plan, node: string, neighbour: string): PeerSection {
  const section = nodeIn(plan, node).sections.find(({ name }) => name === neighbour);
  assert.ok(section, `${node} has no section for ${neighbour}`);
  return section;
}

function keepaliveOf(raw: RawNetwork, name: string, own: PeerSection, back: PeerSection) {
  if (own.endpoint === null) return null;
  const asked = (raw.relays[name] ?? raw.peers[name])?.["persistentKeepalive"];
  const usual = back.endpoint === null ? (raw.network["persistentKeepalive"] ?? 25) : 0;
  const seconds = asked ?? usual;
  return seconds === 0 ? null : seconds;
}

function assertDisjoint(entries: { name: string; prefix: string }[]): void {
  entries.forEach((one, at) => {
    for (const other of entries.slice(at + 1)) {
      const [a, b] = [bitsOfPrefix(one.prefix), bitsOfPrefix(other.prefix)];
      const overlap = sameFamily(one.prefix, other.prefix) && (a.startsWith(b) || b.startsWith(a));
      assert.ok(!overlap, `${one.name} ${one.prefix} overlaps ${other.name} ${other.prefix}`);
    }
  });
}
