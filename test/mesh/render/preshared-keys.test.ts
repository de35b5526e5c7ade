/** The preshared keys that the config gives to single links. */
import assert from "node:assert/strict";
import type { RawConfig } from "../../../mesh/config/read-draft";
import { presharedKeyOf } from "../../../mesh/keys";
import { renderConfig, type Keyring } from "../../../mesh/render/render";
import { Secret } from "../../../mesh/secret";
import { keyPair } from "../../support/key-pairs";
import { nodeIn, planOf } from "../../support/plan-of";
import { changed, hostKey, keys } from "../../support/small-network";
import { readWgQuick } from "../../support/wg-quick-text";

const given = keyPair(20).privateKey;
const seed = Secret.of(keyPair(21).privateKey);
const privateKeys = {
  tokyo: Secret.of(keys.tokyo.privateKey),
  desktop: Secret.of(keys.desktop.privateKey),
  laptop: Secret.of(keys.laptop.privateKey),
};

/** By public key of the peer section. */
function keysAt(name: string, raw: RawConfig, presharedKeySeed: Secret | null) {
  const plan = planOf({ privateKeys, ...raw });
  const keyring: Keyring = {
    privateKeys: new Map(Object.entries(privateKeys)),
    formerPrivateKeys: new Map(),
    presharedKeys: new Map([["desktop/tokyo", Secret.of(given)]]),
    presharedKeySeed,
    sshPrivateKey: null,
    sshAuthoritySeed: null,
  };
  const { peers } = readWgQuick(renderConfig(nodeIn(plan, name), plan.network, keyring).reveal());
  return Object.fromEntries(peers.map((peer) => [peer.publicKey, peer.presharedKey]));
}

const presharedKeys = { "tokyo/desktop": Secret.of(given) };
const { tokyo, desktop, laptop, spare } = keys;

describe("the preshared key of a link", () => {
  it("is the given one at both ends, and absent at other links without a seed", () => {
    const raw = changed({ presharedKeys });
    assert.deepEqual(keysAt("tokyo", raw, null), {
      [desktop.publicKey]: given,
      [laptop.publicKey]: null,
    });
    assert.deepEqual(keysAt("desktop", raw, null), { [tokyo.publicKey]: given });
    assert.deepEqual(keysAt("laptop", raw, null), { [tokyo.publicKey]: null });
  });

  it("is derived at other links with a seed", () => {
    const raw = changed({ presharedKeys, presharedKeySeed: seed });
    const derived = presharedKeyOf(seed, tokyo.publicKey, laptop.publicKey).reveal();
    assert.deepEqual(keysAt("tokyo", raw, seed), {
      [desktop.publicKey]: given,
      [laptop.publicKey]: derived,
    });
  });

  it("stays during a rotation, at both keys of the node", () => {
    const raw = changed({
      presharedKeys,
      relays: { tokyo: { host: "root@203.0.113.10", hostKey } },
      peers: { desktop: { nextPublicKey: spare.publicKey } },
    });
    assert.deepEqual(keysAt("tokyo", raw, null), {
      [desktop.publicKey]: given,
      [spare.publicKey]: given,
      [laptop.publicKey]: null,
    });
  });
});
