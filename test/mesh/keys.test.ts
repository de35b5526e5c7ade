/** Keys against the vectors of RFC 7748, node:crypto and `wg pubkey`. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { hkdfSync } from "node:crypto";
import fc from "fast-check";
import nacl from "tweetnacl";
import { decodeKey, encodeKey, isKey } from "../../mesh/key-text";
import { presharedKeyOf, privateKeyFrom, publicKeyOf } from "../../mesh/keys";
import { Secret } from "../../mesh/secret";
import { keyPairs, publicKeyByNode } from "../support/key-pairs";
import { programs } from "../support/programs";

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const [one, two, three] = keyPairs.map((pair) => pair.publicKey);

describe("public keys", () => {
  const vectors = [
    {
      title: "Alice of RFC 7748, section 6.1",
      privateKey: "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
      publicKey: "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
    },
    {
      title: "Bob of RFC 7748, section 6.1",
      privateKey: "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
      publicKey: "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
    },
    {
      title: "the base point times itself, first iteration of RFC 7748, section 5.2",
      privateKey: "0900000000000000000000000000000000000000000000000000000000000000",
      publicKey: "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079",
    },
  ];
  for (const { title, privateKey, publicKey } of vectors) {
    it(`match the test vector: ${title}`, () => {
      assert.equal(publicKeyOf(Secret.of(base64Of(privateKey))), base64Of(publicKey));
    });
  }

  it("come from a library whose multiplication matches RFC 7748, section 5.2", () => {
    const product = nacl.scalarMult(
      Buffer.from("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", "hex"),
      Buffer.from("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c", "hex"),
    );
    const expected = "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552";
    assert.equal(Buffer.from(product).toString("hex"), expected);
  });

  it("match node:crypto, clamped or not", () => {
    fc.assert(
      fc.property(bytes32, (bytes) => {
        const key = Secret.of(encodeKey(bytes));
        assert.equal(publicKeyOf(key), publicKeyByNode(Buffer.from(bytes)));
      }),
    );
  });

  it("match wg pubkey", function () {
    programs.require(this, "wg");
    for (const { privateKey } of keyPairs.slice(0, 5)) {
      const printed = execFileSync("wg", ["pubkey"], { input: privateKey, encoding: "utf8" });
      assert.equal(publicKeyOf(Secret.of(privateKey)), printed.trim());
    }
  });
});

describe("keys as text", () => {
  it("decode to the same bytes, and match the base64 of Node", () => {
    fc.assert(
      fc.property(bytes32, (bytes) => {
        assert.equal(encodeKey(bytes), Buffer.from(bytes).toString("base64"));
        assert.deepEqual(decodeKey(encodeKey(bytes)), bytes);
      }),
    );
  });

  const good = Buffer.alloc(32, 200).toString("base64");
  const bad = {
    "43 characters": good.slice(0, 43),
    "43 characters and another": `${good.slice(0, 43)}A`,
    "45 characters": `${good}=`,
    "31 bytes": Buffer.alloc(31, 1).toString("base64"),
    "33 bytes": Buffer.alloc(33, 1).toString("base64"),
    base64url: Buffer.alloc(32, 0xfb).toString("base64url"),
    "a last digit whose low bits are set": `${good.slice(0, 42)}J=`,
    "a trailing newline": `${good}\n`,
    "a leading blank": ` ${good.slice(1)}`,
    hex: Buffer.alloc(32, 1).toString("hex"),
    "an empty text": "",
  };
  for (const [title, text] of Object.entries(bad)) {
    it(`are rejected: ${title}`, () => {
      assert.equal(isKey(text), false);
      assert.equal(decodeKey(text), null);
    });
  }

  it("are accepted exactly if wg accepts them, for every last digit", function () {
    programs.require(this, "wg");
    const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (const digit of digits) {
      const text = `${good.slice(0, 42)}${digit}=`;
      assert.equal(isKey(text), wgAccepts(text), text);
    }
  });

  it("generated from random bytes are clamped and print as (hidden)", () => {
    fc.assert(
      fc.property(bytes32, (bytes) => {
        const key = privateKeyFrom(bytes);
        const made = decodeKey(key.reveal()) ?? new Uint8Array();
        const [first = 1, last = 0] = [made[0], made[31]];
        assert.deepEqual([first & 7, last & 192], [0, 64]);
        assert.deepEqual(made.slice(1, 31), bytes.slice(1, 31));
        assert.equal(String(key), "(hidden)");
      }),
    );
  });

  it("that are invalid are not in the error message", () => {
    assert.throws(() => publicKeyOf(Secret.of("not a key")), /^Error: not a WireGuard key$/);
  });
});

describe("preshared keys", () => {
  const seed = Secret.of(Buffer.alloc(32, 1).toString("base64"));
  const other = Secret.of(Buffer.alloc(32, 2).toString("base64"));
  const pairKey = (a = "", b = "", from = seed) => presharedKeyOf(from, a, b).reveal();

  it("are the same from both ends", () => {
    assert.equal(pairKey(one, two), pairKey(two, one));
  });

  it("differ by pair and by seed", () => {
    const keys = [pairKey(one, two), pairKey(one, three), pairKey(two, three)];
    const others = [pairKey(one, two, other), pairKey(one, three, other)];
    assert.equal(new Set([...keys, ...others]).size, 5);
    assert.ok(keys.every(isKey));
  });

  it("are HKDF-SHA256 of the seed with the sorted pair as context", () => {
    const pair = [one, two].sort().join(" ");
    const context = `wireguard-mesh preshared key ${pair}`;
    const derived = hkdfSync("sha256", Buffer.alloc(32, 1), Buffer.alloc(0), context, 32);
    assert.equal(pairKey(one, two), Buffer.from(derived).toString("base64"));
  });
});

function base64Of(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64");
}

function wgAccepts(privateKey: string): boolean {
  try {
    execFileSync("wg", ["pubkey"], { input: privateKey, stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
}
