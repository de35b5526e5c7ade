/** User data: golden text for Debian, and properties on every image. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { IMAGES, type Ec2Spec } from "../../../mesh/config/ec2";
import { renderUserData } from "../../../mesh/render/user-data";
import { Secret } from "../../../mesh/secret";
import { bootstrapKeyOf } from "../../../mesh/ssh-identity";
import { AUTHORITY_SEED, ec2Spec, LOGIN_KEY } from "../../support/ec2-stacks";
import { keyPair } from "../../support/key-pairs";
import { leaksIn } from "../../support/secret-forms";
import { PRESHARED_KEY_SEED } from "../../support/networks";

const keyring = {
  privateKeys: new Map([["tokyo", Secret.of(keyPair(0).privateKey)]]),
  formerPrivateKeys: new Map(),
  presharedKeySeed: Secret.of(PRESHARED_KEY_SEED),
  sshPrivateKey: null,
  sshAuthoritySeed: Secret.of(AUTHORITY_SEED),
};
const textFor = (change: Partial<Ec2Spec> = {}) =>
  renderUserData("tokyo", { ...ec2Spec, ...change }, keyring).reveal();

/** Without the private key, whose derivation ssh-identity.test.ts tests. */
function withoutHostKey(text: string): string {
  return text.replace(/(PRIVATE KEY-----\n)(?: +[A-Za-z0-9+/=]+\n)+/, "$1    (host key)\n");
}

describe("user data", () => {
  it("equals the golden file on Debian", () => {
    const golden = path.join(__dirname, "../../golden/user-data-debian-12.txt");
    const text = withoutHostKey(textFor());
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(golden, text);
    assert.equal(text, readFileSync(golden, "utf8"));
  });

  for (const image of IMAGES) {
    it(`is reproducible cloud-config on ${image}, with one user, key login only, and upgrades`, () => {
      const text = textFor({ image });
      assert.equal(text, textFor({ image }));
      assert.match(text, /^#cloud-config\n/);
      const config = parse(text) as Record<string, unknown>;
      assert.deepEqual(config["users"], [
        {
          name: "admin",
          shell: "/bin/bash",
          sudo: "ALL=(ALL) NOPASSWD:ALL",
          lock_passwd: true,
          ssh_authorized_keys: [LOGIN_KEY],
        },
      ]);
      assert.equal(config["ssh_pwauth"], false);
      assert.equal(config["disable_root"], true);
      assert.equal(config["ssh_deletekeys"], true);
      assert.match(text, image === "amazon-linux-2023" ? /dnf-automatic/ : /Unattended-Upgrade/);
    });
  }

  it("contains the bootstrap host key and no other secret", () => {
    const hostKey = bootstrapKeyOf(Secret.of(AUTHORITY_SEED), "tokyo-debian-12-arm64-1");
    const { ssh_keys: keys } = parse(textFor()) as { ssh_keys: Record<string, string> };
    assert.deepEqual(keys, {
      ed25519_private: hostKey.privateKey.reveal(),
      ed25519_public: hostKey.publicKey,
    });
    assert.deepEqual(
      leaksIn(textFor(), [AUTHORITY_SEED, PRESHARED_KEY_SEED, keyPair(0).privateKey]),
      [],
    );
  });

  it("has another host key for another generation", () => {
    assert.notEqual(textFor({ imageGeneration: 2 }), textFor());
  });
});
