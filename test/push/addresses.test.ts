/** The time that each address of a name gets. */
import * as assert from "node:assert/strict";
import { connectSeconds, countAddresses } from "../../scripts/push/addresses";
import { AT_ONCE_CONNECT_S, CONNECT_S, LOGIN_MS, REACH_MS } from "../../scripts/push/limits";
import { Ways } from "../../scripts/push/ways";

describe("the addresses of a host", () => {
  it("are one for an address, and for a name that only ssh_config has", async () => {
    assert.equal(await countAddresses("203.0.113.10"), 1);
    assert.equal(await countAddresses("2001:db8::1"), 1);
    assert.equal(await countAddresses(""), 1);
    assert.equal(await countAddresses("no-such-name.invalid"), 1);
  });

  it("share the time: all but the last may be dead, and there is still time for the login", () => {
    const reach = REACH_MS / 1000;
    assert.equal(connectSeconds(1, 1, reach), CONNECT_S);
    for (const addresses of [2, 3, 4, 5]) {
      const dead = (addresses - 1) * connectSeconds(1, addresses, reach);
      assert.ok(dead + 5 <= reach, `${addresses}: ${dead} s`);
      assert.ok(connectSeconds(1, addresses, reach) >= 2);
    }
    // As in the issue: two dead ones took 12 s, and a login is given up after 10 s.
    assert.ok(2 * connectSeconds(1, 3, reach) < LOGIN_MS / 1000);
  });

  it("have the whole time where the ways are tried at once", async () => {
    const hop = { user: "taro", address: "203.0.113.10", port: 22, hostKeys: [], authority: null };
    const target = { kind: "ssh" as const, hop, via: [] };
    const access = { node: "desktop", targets: [target], sshPrivateKey: null };
    const connect = async (ways: Ways) => {
      const { options } = await ways.prepare(target, 6);
      await ways.cleanUp();
      return options.connectSeconds;
    };
    assert.equal(await connect(new Ways(access)), 3);
    assert.equal(await connect(new Ways(access, null, true)), AT_ONCE_CONNECT_S);
    assert.ok(AT_ONCE_CONNECT_S * 1000 < LOGIN_MS);
  });

  it("share the time that the ways leave, but at least 3 s for a single one", () => {
    assert.deepEqual(
      [2, 3, 4, 6, 9].map((ways) => connectSeconds(ways, 1, 18)),
      [6, 6, 4, 3, 3],
    );
  });
});
