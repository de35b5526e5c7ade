/** A private key that is made on its host: what is sent there, and when it is refused. */
import * as assert from "node:assert/strict";
import { makeOwnKeyThrough } from "../../scripts/push/own-key";
import { newLink } from "../mesh/host/support/host";
import { keyPair } from "../support/key-pairs";
import { FakeHost, type Login } from "./support/fake-host";

const MARKS = { interface: "wg0", owner: "wireguard-mesh/dev", node: "host", machine: "m1" };
const KEY = keyPair(20).publicKey;

/** The public key, or the message of the failure. */
async function make(host: FakeHost, ...logins: Login[]): Promise<string> {
  host.expect(...logins);
  const made = await makeOwnKeyThrough(host, MARKS).catch((error: unknown) => String(error));
  host.expect();
  return made;
}

describe("a host's own key", () => {
  it("is made there, and its public key comes back", async () => {
    const host = new FakeHost();
    assert.equal(await make(host, {}), KEY);
    const [sent] = host.sent;
    assert.deepEqual([sent?.verb, sent?.answer], ["own-key", "key wireguard-mesh/dev host m1\n"]);
    assert.equal(sent?.questions, "", "it is asked for nothing");
  });

  it("is made after missing packages were installed, and fails if tools are still missing", async () => {
    const host = new FakeHost();
    const bare: Login = { edit: (sections) => void sections.set("host", ["tools apt-get"]) };
    assert.equal(await make(host, bare, {}), KEY);
    assert.match(host.sent[0]?.answer ?? "", /^install .*wireguard-tools/);
    assert.match(
      await make(new FakeHost(), bare, bare),
      /host: the host has no sha256sum\ninstall/,
    );
  });

  it("is not made beside a foreign interface", async () => {
    const host = new FakeHost();
    host.model.links.set("wg0", newLink());
    assert.match(await make(host, {}), /PushError: host: .*wg0/);
    assert.equal(host.sent[0]?.answer, "");
  });

  it("fails with the host's error, or if the reply has no key", async () => {
    const full = { exitCode: 1, stdout: "", stderr: "error: full\nremedy: df\n" };
    assert.match(await make(new FakeHost(), { exit: full }), /host: full\ndf$/);
    assert.match(await make(new FakeHost(), { reply: full }), /host: full\ndf$/);
    for (const login of [{ isCut: true }, { reply: { stdout: "public-key x\n" } }] as const) {
      assert.match(
        await make(new FakeHost(), login),
        /the connection broke before .* Try again\.$/,
      );
    }
  });
});
