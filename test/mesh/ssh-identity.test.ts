/** Key files and public key lines, compared with ssh-keygen. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { hkdfSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { Secret } from "../../mesh/secret";
import {
  authorityOf,
  bootstrapKeyOf,
  principalOf,
  publicKeyOfPrivate,
} from "../../mesh/ssh-identity";
import { programs } from "../support/programs";

const seed = Secret.of(Buffer.alloc(32, 7).toString("base64"));
const seeds = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Secret.of(Buffer.from(bytes).toString("base64")));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "ssh-identity-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function sshKeygen(...args: string[]): string {
  return execFileSync("ssh-keygen", args, { encoding: "utf8", cwd: folder, stdio: "pipe" });
}

function write(name: string, text: string): string {
  writeFileSync(path.join(folder, name), text, { mode: 0o600 });
  return name;
}

describe("a key pair derived from a seed", () => {
  const pairs = {
    authority: authorityOf(seed),
    "bootstrap key": bootstrapKeyOf(seed, "tokyo-instance"),
  };

  for (const [name, { privateKey, publicKey }] of Object.entries(pairs)) {
    it(`is accepted by ssh-keygen: the ${name}`, function () {
      programs.require(this, "ssh-keygen");
      const file = write("key", privateKey.reveal());
      const [type = "", blob = ""] = sshKeygen("-y", "-f", file).trim().split(" ");
      assert.equal(`${type} ${blob}`, publicKey);
      const derived = sshKeygen("-l", "-f", write("key.pub", `${publicKey}\n`));
      assert.equal(derived.split(" ")[1], sshKeygen("-l", "-f", file).split(" ")[1]);
      assert.match(derived, /^256 SHA256:.* \(ED25519\)$/m);
    });
  }

  it("can sign a host certificate", function () {
    programs.require(this, "ssh-keygen");
    const key = write("authority", authorityOf(seed).privateKey.reveal());
    const host = write("host.pub", `${bootstrapKeyOf(seed, "any").publicKey}\n`);
    sshKeygen("-q", "-s", key, "-h", "-I", "tokyo", "-n", principalOf("i-0abc"), host);
    const certificate = sshKeygen("-L", "-f", "host-cert.pub");
    assert.match(certificate, /Type: ssh-ed25519-cert-v01@openssh\.com host certificate/);
    assert.match(certificate, /Principals: \n\s+wireguard-mesh-i-0abc\n/);
    const authority = sshKeygen("-l", "-f", write("ca.pub", `${authorityOf(seed).publicKey}\n`));
    assert.ok(certificate.includes(`Signing CA: ED25519 ${authority.split(" ")[1] ?? ""} `));
  });

  it("is the same for the same seed, and another for another seed", () => {
    fc.assert(
      fc.property(seeds, seeds, (one, other) => {
        const again = Secret.of(one.reveal());
        assert.equal(authorityOf(one).privateKey.reveal(), authorityOf(again).privateKey.reveal());
        const same = one.reveal() === other.reveal();
        assert.equal(authorityOf(one).publicKey === authorityOf(other).publicKey, same);
      }),
      { numRuns: 20 },
    );
  });

  it("is different for the authority and for each instance", () => {
    const keys = [
      authorityOf(seed),
      ...["tokyo-a", "tokyo-b", ""].map((n) => bootstrapKeyOf(seed, n)),
    ];
    assert.equal(new Set(keys.map(({ publicKey }) => publicKey)).size, keys.length);
  });

  it("is HKDF-SHA256 of the seed with its use as context", () => {
    const raw = Buffer.alloc(32, 7);
    const context = "wireguard-mesh ssh bootstrap host key tokyo-instance";
    const derived = Buffer.from(hkdfSync("sha256", raw, Buffer.alloc(0), context, 32));
    const { privateKey } = bootstrapKeyOf(seed, "tokyo-instance");
    const file = Buffer.from(privateKey.reveal().split("\n").slice(1, -2).join(""), "base64");
    assert.ok(file.includes(derived));
  });

  it("prints as (hidden), and an invalid seed is not in the error message", () => {
    assert.equal(String(authorityOf(seed).privateKey), "(hidden)");
    assert.throws(() => authorityOf(Secret.of("no seed")), /^Error: not 32 bytes in base64$/);
  });
});

describe("the public half of a private key", () => {
  const types = { ed25519: [], rsa: ["-b", "2048"], ecdsa: ["-b", "384"] };
  for (const [type, bits] of Object.entries(types)) {
    it(`matches the .pub file of ssh-keygen: ${type}`, function () {
      programs.require(this, "ssh-keygen");
      sshKeygen("-q", "-t", type, ...bits, "-N", "", "-C", "a comment", "-f", "key");
      const [kind = "", blob = ""] = read("key.pub").split(" ");
      assert.equal(publicKeyOfPrivate(Secret.of(read("key"))), `${kind} ${blob}`);
      // A config value may lack the final newline or have CRLF.
      assert.equal(publicKeyOfPrivate(Secret.of(read("key").trim())), `${kind} ${blob}`);
      const foreign = read("key").replaceAll("\n", "\r\n");
      assert.equal(publicKeyOfPrivate(Secret.of(foreign)), `${kind} ${blob}`);
    });
  }

  function read(name: string): string {
    return readFileSync(path.join(folder, name), "utf8");
  }

  it("is null for a key with a passphrase or in another format", function () {
    programs.require(this, "ssh-keygen");
    sshKeygen("-q", "-t", "ed25519", "-N", "secret", "-f", "locked");
    sshKeygen("-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f", "pem");
    assert.equal(publicKeyOfPrivate(Secret.of(read("locked"))), null);
    assert.equal(publicKeyOfPrivate(Secret.of(read("pem"))), null);
  });

  it("is null for truncated and other invalid text", () => {
    const text = authorityOf(seed).privateKey.reveal();
    const [begin = "", ...body] = text.trim().split("\n");
    const end = body.pop() ?? "";
    const inner = body.join("");
    // The public half is within the first 98 bytes; the rest is not read.
    for (let digits = 0; digits < 98; digits += 4) {
      const cut = [begin, inner.slice(0, digits), end].join("\n");
      assert.equal(publicKeyOfPrivate(Secret.of(cut)), null, `${digits} digits`);
    }
    for (const none of ["", "no key at all", begin, `${begin}\n${end}`, `${begin}\n!\n${end}`]) {
      assert.equal(publicKeyOfPrivate(Secret.of(none)), null);
    }
  });
});
