/** A secret can only be read with reveal. */
import assert from "node:assert/strict";
import { format, inspect } from "node:util";
import { Secret } from "../../mesh/secret";
import { keyPairs } from "../support/key-pairs";
import { leaksIn } from "../support/secret-forms";

const key = keyPairs[0]?.privateKey ?? "";

describe("a secret", () => {
  const secret = Secret.of(key);
  const ways: Record<string, string> = {
    "a template": `key: ${String(secret)}`,
    JSON: JSON.stringify({ deep: [secret] }),
    inspect: inspect({ deep: { secret } }, { depth: 9, showHidden: true }),
    format: format("%s %o %j", secret, secret, secret),
    "property names": JSON.stringify(Object.getOwnPropertyNames(secret)),
    entries: JSON.stringify(Object.entries(secret)),
  };
  for (const [way, text] of Object.entries(ways)) {
    it(`is not visible in ${way}`, () => {
      assert.deepEqual(leaksIn(text, [key]), []);
    });
  }

  it("prints as (hidden), and reveal returns its value", () => {
    assert.equal(String(secret), "(hidden)");
    assert.equal(JSON.stringify(secret), '"(hidden)"');
    assert.equal(secret.reveal(), key);
    assert.equal(secret.isSealed, false);
  });

  it("that is sealed cannot be read", () => {
    const sealed = Secret.sealed();
    assert.equal(sealed.isSealed, true);
    assert.throws(
      () => sealed.reveal(),
      /^Error: a sealed secret cannot be read without the engine$/,
    );
    assert.equal(String(sealed), "(hidden)");
  });
});
