/** A relay with another UDP port serves the former one for peers that only the tunnel leads to. */
import assert from "node:assert/strict";
import { decide } from "../../../mesh/host/decide";
import { wantedOf, type Wanted } from "../../../mesh/host/wanted";
import { publicKeyOf } from "../../../mesh/keys";
import { RELAY, stepsText } from "./support/examples";
import { sha256 } from "./support/host";
import { IFACE } from "./support/observe";
import { decideOn, push, pushed } from "./support/pushes";
import { currentKey, requestOf, type RequestDraw } from "./support/requests";
import { look, OPTIONS } from "./support/situations";

const ROTATION = `/var/lib/wireguard-mesh/${IFACE}/rotation`;
const SETTLED = `/run/wireguard-mesh/${IFACE}/settled`;
const line = (old: number, now: number) => `port ${IFACE} ${old} ${now} ${currentKey(1)}`;

describe("a relay with another UDP port, and a peer that only the tunnel leads to", () => {
  it("serves the former port too, until the next config after the peer has followed", () => {
    const host = pushed(at(51820));
    const decision = decideOn(host, at(51999));
    assert.ok(decision.kind === "change");
    assert.deepEqual(stepsText(decision.change, "apply").slice(0, 5), [
      ...["wg wg0", "  [Interface]", "  ListenPort = 51999"],
      ...["watch", `  port ${IFACE} 51820 51999 <peer1>`],
    ]);
    assert.equal(stepsText(decision.change, "undo")[0], "watch -");
    const note =
      "UDP port 51820 is served beside 51999 until peer1 has followed: both must be open";
    assert.ok(decision.notes.includes(note));
    push(host, at(51999));
    assert.equal(host.files.get(ROTATION), `${line(51820, 51999)}\n`);
    assert.equal(decideOn(host, at(51999)).kind, "nothing");
    push(host, at(51999, { mtu: 1380 }));
    assert.equal(host.files.get(ROTATION), `${line(51820, 51999)}\n`);
    host.files.set(SETTLED, `${line(51820, 51999)}\n`);
    assert.equal(decideOn(host, at(51999, { mtu: 1380 })).kind, "nothing");
    push(host, at(51999));
    assert.equal(host.files.get(ROTATION), undefined);
  });

  it("goes back to the former port, but not on to a third one before the peer has followed", () => {
    const host = pushed(at(51820));
    push(host, at(51999));
    const refused = decideOn(host, at(52000));
    assert.ok(refused.kind === "refuse");
    assert.match(refused.remedy, /^set listenPort to 51999 and run up when they are on/);
    push(host, at(51820));
    assert.equal(host.files.get(ROTATION), `${line(51999, 51820)}\n`);
  });

  it("just moves where no such peer needs it, or nft is missing", () => {
    const host = pushed(at(51820));
    const plain = decideOn(host, { ...at(51999), tunnelOnly: [] });
    assert.ok(plain.kind === "change");
    assert.ok(!stepsText(plain.change, "apply").includes("watch"));
    const observed = { ...look(host, at(51999)), tools: new Set(["wg", "ip", "wg-quick"]) };
    const bare = decide(observed, at(51999), OPTIONS);
    assert.ok(bare.kind !== "change" || !stepsText(bare.change, "apply").includes("watch"));
  });
});

function at(port: number, more: Partial<RequestDraw> = {}): Wanted {
  const request = requestOf({ ...RELAY, ...more, port });
  const digest = sha256(request.config);
  return wantedOf({ ...request, tunnelOnly: [currentKey(1)] }, digest, publicKeyOf);
}
