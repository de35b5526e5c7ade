/** The wanted state of a push request, compared with an independent reading of its text. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { namesOf, peerNames, presharedKeysOf, wantedOf } from "../../../mesh/host/wanted";
import { publicKeyOf } from "../../../mesh/keys";
import type { PushRequest } from "../../../mesh/push-request";
import { renderPushRequest } from "../../../mesh/render/push-request";
import type { Secret } from "../../../mesh/secret";
import { publicKeyByNode } from "../../support/key-pairs";
import { openNetworks, type RawNetwork } from "../../support/networks";
import { planOf } from "../../support/plan-of";
import { readWgQuick } from "../../support/wg-quick-text";
import { neighbour, RELAY, wantedBy } from "./support/examples";
import { currentKey, nextKey, pairAt } from "./support/requests";

const two = {
  ...RELAY,
  second: { key: 21, port: 51821 },
  neighbours: [
    neighbour(0, { endpoint: "far.example.org:51820", presharedKey: 0 }),
    neighbour(1, { endpoint: "[2001:db8::7]:51820", presharedKey: 1, keys: "both" }),
  ],
};

function requests(raw: RawNetwork): PushRequest[] {
  const plan = planOf(raw);
  const keyring = {
    privateKeys: new Map(Object.entries(raw.privateKeys)),
    formerPrivateKeys: new Map<string, Secret>(),
    presharedKeySeed: raw.presharedKeySeed ?? null,
    sshPrivateKey: null,
    sshAuthoritySeed: null,
  };
  return plan.nodes
    .filter(({ hosts }) => hosts.length > 0)
    .map(
      (node) => JSON.parse(renderPushRequest(node, plan, keyring, "a/b").reveal()) as PushRequest,
    );
}

describe("the wanted state of a request", () => {
  it("is what wg-quick would make of its text", () => {
    fc.assert(
      fc.property(openNetworks, (raw) => {
        for (const request of requests(raw)) {
          const { main } = wantedOf(request, "digest", publicKeyOf);
          const text = readWgQuick(request.config);
          const own = Buffer.from(text.privateKey ?? "", "base64");
          assert.deepEqual(main.addresses, text.addresses);
          assert.deepEqual([main.listenPort, main.mtu], [text.listenPort, text.mtu]);
          assert.equal(main.publicKey, publicKeyByNode(own));
          const peers = main.peers.map((peer) => ({
            publicKey: peer.publicKey,
            presharedKey: peer.presharedKey?.reveal() ?? null,
            allowedIps: peer.allowedIps,
            endpoint: peer.endpoint?.text ?? null,
            persistentKeepalive: peer.keepalive || null,
          }));
          assert.deepEqual(peers, text.peers);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("has the public key of a key that only the host has", () => {
    const { main } = wantedBy({ ...RELAY, onHost: true });
    assert.deepEqual([main.publicKey, main.privateKey], [pairAt(20).publicKey, null]);
  });

  it("has the preshared keys of both interfaces in one secret text", () => {
    const wanted = wantedBy(two);
    const [zero, one] = wanted.main.peers.map(({ presharedKey }) => presharedKey?.reveal() ?? "");
    const lines = (name: string) => [
      `${name}\t${currentKey(0)}\t${zero ?? ""}`,
      `${name}\t${currentKey(1)}\t${one ?? ""}`,
      `${name}\t${nextKey(1)}\t${one ?? ""}`,
    ];
    const text = presharedKeysOf(wanted);
    assert.equal(
      text.reveal(),
      [...lines("wg0"), ...lines("wg0-next")].map((it) => `${it}\n`).join(""),
    );
    assert.equal(JSON.stringify({ wanted, text }).includes(zero ?? ""), false);
  });

  it("has each name in an endpoint once, and the peers' names by key", () => {
    const wanted = wantedBy(two);
    assert.deepEqual(namesOf(wanted), ["far.example.org"]);
    assert.deepEqual(
      [...peerNames(wanted)],
      [
        [currentKey(0), "peer0"],
        [currentKey(1), "peer1"],
        [nextKey(1), "peer1"],
      ],
    );
  });
});
