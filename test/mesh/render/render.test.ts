/** Rendered files contain only their own secrets; redacted ones differ only in them. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { presharedKeyOf } from "../../../mesh/keys";
import type { NodePlan, Plan } from "../../../mesh/plan/plan";
import { renderConfig, renderRedacted, type Keyring } from "../../../mesh/render/render";
import { renderPushRequest } from "../../../mesh/render/push-request";
import { Secret } from "../../../mesh/secret";
import { keyPairs } from "../../support/key-pairs";
import { openNetworks, PRESHARED_KEY_SEED, type RawNetwork } from "../../support/networks";
import { nodeIn, planOf } from "../../support/plan-of";
import { readWgQuick } from "../../support/wg-quick-text";

const KEY = /[A-Za-z0-9+/]{43}=/g;

describe("a rendered file", () => {
  it("contains its own private key, the preshared keys of its links, and no other secret", () => {
    forEachNode((node, plan, keyring) => {
      const text = renderConfig(node, plan.network, keyring).reveal();
      const own = keyring.privateKeys.get(node.name)?.reveal() ?? null;
      const seed = keyring.presharedKeySeed;
      const publicKeys = node.sections.map((section) => section.publicKey);
      const links = publicKeys.map((key) =>
        seed === null ? null : presharedKeyOf(seed, node.publicKey, key).reveal(),
      );
      const read = readWgQuick(text);
      assert.equal(read.privateKey, own);
      assert.deepEqual(
        read.peers.map((peer) => peer.presharedKey),
        links,
      );
      const allowed = new Set([own, ...links, ...publicKeys]);
      const found: string[] = text.match(KEY) ?? [];
      assert.deepEqual(
        found.filter((key) => !allowed.has(key)),
        [],
      );
    });
  });

  it("has the same preshared key at both ends of a link, and a different one for each link", () => {
    fc.assert(
      fc.property(openNetworks, (raw) => {
        const plan = planOf(raw);
        const keyring = keyringOf(raw);
        const keyAt = (at: string, of: string) => {
          const text = renderConfig(nodeIn(plan, at), plan.network, keyring).reveal();
          const { publicKey } = nodeIn(plan, of);
          const section = readWgQuick(text).peers.find((peer) => peer.publicKey === publicKey);
          return section?.presharedKey;
        };
        const keys = plan.links.map(({ a, b }) => {
          assert.equal(keyAt(a, b), keyAt(b, a));
          return keyAt(a, b);
        });
        const distinct = keyring.presharedKeySeed === null ? Math.min(keys.length, 1) : keys.length;
        assert.equal(new Set(keys).size, distinct);
      }),
      { numRuns: 10 },
    );
  });

  it("when redacted has (hidden) for each secret, and is otherwise the same", () => {
    forEachNode((node, plan, keyring) => {
      const text = renderConfig(node, plan.network, keyring).reveal();
      const hidden = text.replace(/^(PrivateKey|PresharedKey) = .*$/gm, "$1 = (hidden)");
      assert.equal(renderRedacted(node, plan.network), hidden);
    });
  });

  it("has a comment in place of a private key that only the device has", () => {
    const { plan, keyring } = duo();
    const text = renderConfig(nodeIn(plan, "phone"), plan.network, keyring).reveal();
    assert.match(text, /^# PrivateKey = the key that this device keeps to itself: put it here$/m);
    assert.equal(readWgQuick(text).privateKey, null);
  });

  it("cannot be rendered if the keyring lacks a key", () => {
    const { plan, keyring } = duo();
    const relay = nodeIn(plan, "relay");
    const empty: Keyring = { ...keyring, privateKeys: new Map() };
    const seedless: Keyring = { ...keyring, presharedKeySeed: null };
    assert.throws(
      () => renderConfig(relay, plan.network, empty),
      /^Error: no private key of relay$/,
    );
    assert.throws(
      () => renderConfig(relay, plan.network, seedless),
      /^Error: no seed for preshared keys$/,
    );
  });
});

describe("a push request", () => {
  it("has the file, the login targets and the wanted state, and prints as (hidden)", () => {
    const { plan, keyring } = duo();
    const relay = nodeIn(plan, "relay");
    const request = renderPushRequest(relay, plan, keyring, "project/stack");
    assert.equal(JSON.stringify({ request }), '{"request":"(hidden)"}');
    const { machine, ...rest } = JSON.parse(request.reveal()) as Record<string, unknown>;
    assert.match(String(machine), /^[0-9a-f]{64}$/);
    assert.deepEqual(rest, {
      version: 1,
      node: "relay",
      targets: [
        {
          kind: "ssh",
          hop: {
            user: "root",
            address: "203.0.113.10",
            port: 22,
            hostKeys: relay.hostKeys,
            authority: null,
            pinnedAt: "relays.relay.hostKey",
          },
          via: [],
        },
      ],
      sshPrivateKey: null,
      owner: "project/stack",
      interface: "wg0",
      config: renderConfig(relay, plan.network, keyring).reveal(),
      forwarding: { ipv4: true, ipv6: false },
      probes: [],
      instances: [],
      identity: null,
      rotation: null,
    });
  });
});

describe("a push request for a machine that is in the config twice", () => {
  it("names the other node", () => {
    const { plan, keyring } = duo({ host: "root@via:relay", hostKey: HOST_KEY });
    const rivalsOf = (name: string) => {
      const request = renderPushRequest(nodeIn(plan, name), plan, keyring, "project/stack");
      return (JSON.parse(request.reveal()) as { rivals?: string[] }).rivals;
    };
    assert.deepEqual(rivalsOf("relay"), ["phone"]);
    assert.deepEqual(rivalsOf("phone"), ["relay"]);
  });
});

function forEachNode(check: (node: NodePlan, plan: Plan, keyring: Keyring) => void): void {
  fc.assert(
    fc.property(openNetworks, (raw) => {
      const plan = planOf(raw);
      for (const node of plan.nodes) check(node, plan, keyringOf(raw));
    }),
    { numRuns: 25 },
  );
}

function keyringOf(raw: RawNetwork): Keyring {
  return {
    privateKeys: new Map(Object.entries(raw.privateKeys)),
    formerPrivateKeys: new Map(),
    presharedKeySeed: raw.presharedKeySeed ?? null,
    sshPrivateKey: null,
    sshAuthoritySeed: null,
  };
}

const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH2QHirFGR5gOtWq850qpHAs2tgD5nug7O6E0kI60fqd";

/** A relay with a host, and a phone whose private key is not in the config; `more` are fields of the phone. */
function duo(more: Record<string, unknown> = {}): { plan: Plan; keyring: Keyring } {
  const [relay, phone] = keyPairs;
  const raw: RawNetwork = {
    network: {},
    relays: {
      relay: {
        address: "10.86.0.1",
        publicKey: relay?.publicKey,
        host: "root@203.0.113.10",
        hostKey: HOST_KEY,
      },
    },
    peers: { phone: { address: "10.86.0.2", publicKey: phone?.publicKey, ...more } },
    privateKeys: {
      relay: Secret.of(relay?.privateKey ?? ""),
      ...("host" in more ? { phone: Secret.of(phone?.privateKey ?? "") } : {}),
    },
    presharedKeySeed: Secret.of(PRESHARED_KEY_SEED),
  };
  return { plan: planOf(raw), keyring: keyringOf(raw) };
}
