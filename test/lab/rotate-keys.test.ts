/** Keys change under traffic: a peer's, then the relay's, pushed host by host. Real sshd and WireGuard. Needs root. */
import * as assert from "node:assert/strict";
import { Lab } from "../../scripts/lab/lab";
import { PUSH_WORLD } from "./support/pushing";
import { pushed, RotatingNetwork } from "./support/rotating";
import { describeSilences, silencesDuring, type Direction, type Silence } from "./support/silence";

const BOUND_MS = 500;
const OWN: Direction[] = [
  ["laptop", "10.0.0.2"],
  ["desktop", "10.0.0.3"],
];
const OTHER: Direction[] = [
  ["laptop", "10.0.0.1"],
  ["relay", "10.0.0.3"],
];

describe("a key that changes under traffic", function () {
  this.timeout(180_000);
  let lab: Lab;
  let net: RotatingNetwork;
  before(async () => {
    lab = await Lab.up(PUSH_WORLD, { id: "test-rotate-keys" });
    net = new RotatingNetwork(lab);
    await pushed(lab, net.relay());
    for (const node of ["desktop", "laptop"]) await pushed(lab, net.peer(node));
  });
  after(() => lab.down());
  afterEach(async function () {
    if (this.currentTest?.state !== "failed") return;
    for (const node of lab.hosts) {
      const shown = await lab.exec(node, [
        "sh",
        "-c",
        "wg show; ip route; ip rule; ip route show table 5182; cat /var/lib/wireguard-mesh/wg0/log; cat /run/wireguard-mesh/wg0/verdict",
      ]);
      process.stderr.write(`== ${node}\n${shown.stdout}\n${shown.stderr}\n`);
    }
  });

  it("is the desktop's, whose only way in is the tunnel: others lose nothing, its own silence is short", async () => {
    net.stage("desktop");
    const silences = await silencesDuring(lab, [...OWN, ...OTHER], async () => {
      await pushed(lab, net.relay());
      await pushed(lab, net.peer("desktop", { ways: net.tunnel("desktop") }));
    });
    report(silences);
    assertShort(silences);
    assert.deepEqual(
      silences.slice(OWN.length).map(({ lost }) => lost),
      [0, 0],
    );
  });

  it("is finished: the old key is gone from the relay", async () => {
    net.finish("desktop");
    const silences = await silencesDuring(lab, [...OWN, ...OTHER], async () => {
      await pushed(lab, net.relay());
      await pushed(lab, net.peer("desktop", { ways: net.tunnel("desktop") }));
    });
    report(silences);
    assert.deepEqual(
      silences.map(({ lost }) => lost),
      [0, 0, 0, 0],
    );
  });

  it("is the relay's", async () => {
    net.stage("relay");
    const silences = await silencesDuring(lab, [...OWN, ...OTHER], async () => {
      await pushed(lab, net.relay());
      await pushed(lab, net.peer("desktop", { ways: net.tunnel("desktop") }));
      await pushed(lab, net.peer("laptop"));
    });
    report(silences);
    assertShort(silences);
  });

  it("is the relay's, finished", async () => {
    net.finish("relay");
    const silences = await silencesDuring(lab, [...OWN, ...OTHER], async () => {
      await pushed(lab, net.relay());
      await pushed(lab, net.peer("desktop", { ways: net.tunnel("desktop") }));
      await pushed(lab, net.peer("laptop"));
    });
    report(silences);
    assertShort(silences);
  });

  function report(silences: Silence[]): void {
    process.stderr.write(`      ${describeSilences(silences)}\n`);
  }
});

function assertShort(silences: readonly Silence[]): void {
  for (const silence of silences) {
    assert.ok(silence.longestMs <= BOUND_MS, describeSilences([silence]));
  }
}
