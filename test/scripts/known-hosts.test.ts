import assert from "node:assert/strict";
import { hostKeysFor } from "../../scripts/stack/known-hosts";
import type { Failure } from "../../scripts/stack/failure";
import { HOST_KEY } from "./support/network";

describe("host keys", () => {
  const known = (keys: Record<string, string[]>) => (address: string, port: number) =>
    Promise.resolve(keys[`${address}:${port}`] ?? []);
  const rsa = "ssh-rsa AAAAB3NzaC1yc2E";

  it("are the given ones, without their comment", async () => {
    const find = () => assert.fail("known_hosts is not needed");
    assert.deepEqual(
      await hostKeysFor(["x@192.0.2.1"], [`${HOST_KEY} me@x`], () => undefined, find),
      [HOST_KEY],
    );
  });

  it("are the known ones of the first address that has any, which is logged", async () => {
    const logged: string[] = [];
    const keys = await hostKeysFor(
      ["x@192.0.2.1", "x@192.0.2.2:2222", "x@via:tokyo"],
      undefined,
      (text) => logged.push(text),
      known({ "192.0.2.2:2222": [rsa, HOST_KEY] }),
    );
    assert.deepEqual(keys, [HOST_KEY]);
    assert.deepEqual(logged, ["host key of 192.0.2.2: ssh-ed25519, from your known_hosts"]);
  });

  it("are all known ones where none is Ed25519", async () => {
    const find = known({ "192.0.2.1:22": [rsa] });
    assert.deepEqual(await hostKeysFor(["x@192.0.2.1"], undefined, () => undefined, find), [rsa]);
  });

  it("are not needed for this machine, and required for another", async () => {
    assert.equal(await hostKeysFor(["local"], undefined, () => undefined, known({})), undefined);
    await assert.rejects(
      hostKeysFor(["x@via:tokyo"], undefined, () => undefined, known({})),
      /host key is not known/,
    );
  });

  it("that are not known are an error with the address and the command that records them", async () => {
    for (const [host, address, ssh] of [
      ["x@192.0.2.1", "192.0.2.1", "ssh x@192.0.2.1"],
      ["x@[2001:db8::1]:2222", "2001:db8::1", "ssh -p 2222 x@2001:db8::1"],
    ] as const) {
      await assert.rejects(
        hostKeysFor([host], undefined, () => undefined, known({})),
        ({ message, remedy }: Failure) => {
          assert.match(message, new RegExp(`^the SSH host key of ${address} is not known`));
          const first = `ssh there once, compare the fingerprint, and run this again: ${ssh}`;
          assert.equal(remedy?.split("\n")[0], first);
          return true;
        },
      );
    }
  });
});
