/** After a relay's instance was replaced, a push makes the peer handshake with the new one at once. Needs root. */
import * as assert from "node:assert/strict";
import { Lab } from "../../scripts/lab/lab";
import { LeakWatch } from "./support/leak-watch";
import { configOf, keyPairFor, push, PUSH_WORLD, requestFor } from "./support/pushing";
import { canPing, canPingSoon } from "./support/small-world";

describe("a replaced relay", function () {
  this.timeout(180_000);
  let lab: Lab;
  let leaks: LeakWatch;
  before(async () => {
    lab = await Lab.up(PUSH_WORLD, { id: "test-push-replaced" });
    leaks = await LeakWatch.forPushes(lab);
  });
  after(() => lab.down());

  const relayKey = keyPairFor("relay").publicKey;
  const toLaptop = [
    "",
    "[Peer]",
    `PublicKey = ${keyPairFor("laptop").publicKey}`,
    "AllowedIPs = 10.0.0.3/32",
  ];
  const toRelay = [
    ...["", "[Peer]", `PublicKey = ${relayKey}`, "AllowedIPs = 10.0.0.0/24"],
    ...["Endpoint = 203.0.113.10:51820", "PersistentKeepalive = 25"],
  ];

  async function pushToLaptop(instance: string): Promise<string> {
    const config = configOf("laptop", "10.0.0.3/24", toRelay);
    const request = requestFor(lab, "laptop", { config });
    const instances = [`${instance}:${relayKey}`];
    const finished = await push(lab, "apply", { ...request, probes: ["10.0.0.1"], instances });
    assert.equal(finished.code, 0, finished.stderr);
    return (JSON.parse(finished.stdout) as { outcome: string }).outcome;
  }

  /** Drops the relay's sessions, like a new instance with the same key and address. */
  async function forgetSessions(): Promise<void> {
    for (const verb of ["down", "up"]) {
      const done = await lab.exec("relay", ["wg-quick", verb, "wg0"]);
      assert.equal(done.code, 0, done.stderr);
    }
  }

  it("gets a new handshake although the peer's config is the same, but only if the instance is new", async () => {
    const config = configOf("relay", "10.0.0.1/24", toLaptop);
    assert.equal((await push(lab, "apply", requestFor(lab, "relay", { config }))).code, 0);
    assert.equal(await pushToLaptop("i-1"), "applied");
    assert.ok(await canPingSoon(lab, "laptop", "10.0.0.1"));

    await forgetSessions();
    assert.equal(await pushToLaptop("i-1"), "unchanged");
    assert.equal(await canPing(lab, "laptop", "10.0.0.1"), false, "the old session still worked");

    assert.equal(await pushToLaptop("i-2"), "applied");
    const back = await canPingSoon(lab, "laptop", "10.0.0.1", 10_000);
    assert.ok(back, "no handshake within 10 s of the push");
  });

  it("keeps its session if the instance is the same", async () => {
    const handshakes = () => lab.exec("laptop", ["wg", "show", "wg0", "latest-handshakes"]);
    const before = (await handshakes()).stdout;
    assert.equal(await pushToLaptop("i-2"), "unchanged");
    assert.equal((await handshakes()).stdout, before);
  });

  it("leaks no secret", () => leaks.end());
});
