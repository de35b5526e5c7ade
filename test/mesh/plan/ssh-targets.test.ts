/** The ways by which `ssh NODE` logs in. */
import assert from "node:assert/strict";
import { sshTargets } from "../../../mesh/plan/ssh-targets";
import { Secret } from "../../../mesh/secret";
import { formatWay } from "../../../scripts/push/attempt";
import { hostKeyLine } from "../../support/key-pairs";
import { nodeIn, planOf } from "../../support/plan-of";
import { changed, keys } from "../../support/small-network";

const OSAKA = {
  address: "10.86.0.9",
  publicKey: keys.spare.publicKey,
  endpoint: "203.0.113.11:51820",
  host: "admin@203.0.113.11",
  hostKey: hostKeyLine(2),
};

/** Two relays, and a desktop with these fields whose home relay is tokyo. */
function ways(desktop: Record<string, unknown>, isInside: boolean, name = "desktop"): string[] {
  const plan = planOf(
    changed({
      privateKeys: Secret.sealed(),
      relays: { tokyo: { host: "root@203.0.113.10:2222", hostKey: hostKeyLine(0) }, osaka: OSAKA },
      peers: { desktop: { hostKey: hostKeyLine(1), relay: "tokyo", ...desktop } },
    }),
  );
  return sshTargets(nodeIn(plan, name), plan, null, isInside).map(formatWay);
}

const DIRECT = "taro@192.168.1.20:2200";
const TUNNEL = "taro@10.86.0.2";
const TOKYO = "taro@10.86.0.2 via root@203.0.113.10:2222";
const OSAKAS = "taro@10.86.0.2 via admin@203.0.113.11";

describe("the targets of ssh", () => {
  it("are those of host, then each relay, the home relay first, and the tunnel last from outside", () => {
    assert.deepEqual(ways({ host: DIRECT }, false), [DIRECT, TOKYO, OSAKAS, TUNNEL]);
  });

  it("have the tunnel before every jump from inside", () => {
    assert.deepEqual(ways({ host: DIRECT }, true), [DIRECT, TUNNEL, TOKYO, OSAKAS]);
    assert.deepEqual(ways({ host: "taro@via:tokyo" }, true), [TUNNEL, TOKYO, OSAKAS]);
  });

  it("keep the order of host, without duplicates", () => {
    const host = ["taro@via:osaka", DIRECT];
    assert.deepEqual(ways({ host }, false), [OSAKAS, DIRECT, TOKYO, TUNNEL]);
  });

  it("of a relay include a jump through the other relay", () => {
    assert.deepEqual(ways({}, false, "tokyo"), [
      "root@203.0.113.10:2222",
      "root@10.86.0.1 via admin@203.0.113.11",
      "root@10.86.0.1",
    ]);
  });

  it("are none for a device, and only this machine where no account is known", () => {
    assert.deepEqual(ways({ host: undefined, hostKey: undefined }, true), []);
    assert.deepEqual(ways({ host: "local" }, true), ["local"]);
  });
});
