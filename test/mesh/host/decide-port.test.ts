/** A relay with another UDP port serves the former one for peers that are reached only through the tunnel. */
import assert from "node:assert/strict";
import { decide, type Decision } from "../../../mesh/host/decide";
import { wantedOf, type Wanted } from "../../../mesh/host/wanted";
import { publicKeyOf } from "../../../mesh/keys";
import { neighbour, pushed as pushedBy, RELAY, stepsText } from "./support/examples";
import { deviceOf, sha256, type Host } from "./support/host";
import { IFACE } from "./support/observe";
import { decideOn, push, pushed } from "./support/pushes";
import { currentKey, requestOf, type RequestDraw } from "./support/requests";
import { look, OPTIONS } from "./support/situations";

const ROTATION = `/var/lib/wireguard-mesh/${IFACE}/rotation`;
const SETTLED = `/run/wireguard-mesh/${IFACE}/settled`;
const line = (old: number, now: number) => `port ${IFACE} ${old} ${now} ${currentKey(1)}`;

describe("a relay with another UDP port, and a peer that is reached only through the tunnel", () => {
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

  it("only changes its port where no such peer needs the former one, or nft is missing", () => {
    const host = pushed(at(51820));
    const plain = decideOn(host, { ...at(51999), tunnelOnly: [] });
    assert.ok(plain.kind === "change");
    assert.ok(!stepsText(plain.change, "apply").includes("watch"));
    const observed = { ...look(host, at(51999)), tools: new Set(["wg", "ip", "wg-quick"]) };
    const bare = decide(observed, at(51999), OPTIONS);
    assert.ok(bare.kind !== "change" || !stepsText(bare.change, "apply").includes("watch"));
  });
});

describe("relays beside each other, one of which gets another UDP port", () => {
  const others = (port: number): RequestDraw => ({
    ...RELAY,
    besideRelays: true,
    neighbours: [neighbour(0, { endpoint: `198.51.100.1:${port}` }), neighbour(1)],
  });
  const alive = (): Host => {
    const host = pushedBy(others(51820));
    const peer = deviceOf(host, IFACE).peers.get(currentKey(0));
    Object.assign(peer ?? {}, { endpoint: "198.51.100.1:51820", handshake: host.now - 30 });
    return host;
  };

  it("sends to the others from the new port", () => {
    const host = pushedBy(others(51820));
    const decision = decideOn(host, at(51999, others(51820)));
    assert.ok(decision.kind === "change");
    const apply = stepsText(decision.change, "apply");
    assert.ok(apply.includes("ping 10.86.0.20"), apply.join("\n"));
    assert.ok(apply.includes(`  port ${IFACE} 51820 51999 <peer1> <peer0>`), apply.join("\n"));
  });

  it("keeps the session with it, which roams, and dials it after a while if it has not", () => {
    const host = alive();
    const { change } = changeOf(host, others(51999));
    const roam = "roam wg0 8 <peer0> 198.51.100.1:51999";
    assert.deepEqual(stepsText(change, "apply"), [roam, "ping 10.86.0.20"]);
    assert.ok(stepsText(change, "undo").includes("  Endpoint = 198.51.100.1:51820"));
    assert.ok(!stepsText(change, "undo").some((line) => line.startsWith("set ")));
  });

  it("has nothing to do if that relay was pushed to earlier, and has sent a packet", () => {
    const host = alive();
    const peer = deviceOf(host, IFACE).peers.get(currentKey(0));
    Object.assign(peer ?? {}, { endpoint: "198.51.100.1:51999" });
    assert.deepEqual(stepsText(changeOf(host, others(51999)).change, "apply"), []);
  });

  it("needs a new session at another address, without a fresh one, to prove a key, and on peers", () => {
    const renewed = (host: Host, draw: RequestDraw) =>
      stepsText(changeOf(host, draw).change, "apply").includes("set wg0 peer <peer0> remove");
    const [first, second] = others(51999).neighbours;
    assert.ok(first !== undefined && second !== undefined);
    const elsewhere = { ...first, endpoint: "198.51.100.2:51999" };
    assert.ok(renewed(alive(), { ...others(51999), neighbours: [elsewhere, second] }));
    assert.ok(renewed(pushedBy(others(51820)), others(51999)));
    const proven = { ...first, mustShake: true };
    assert.ok(renewed(alive(), { ...others(51999), neighbours: [proven, second] }));
    assert.ok(renewed(alive(), { ...others(51999), besideRelays: false }));
    assert.ok(!renewed(alive(), others(51999)));
  });
});

function changeOf(host: Host, draw: RequestDraw): Extract<Decision, { kind: "change" }> {
  const request = requestOf(draw);
  const wanted = wantedOf(request, sha256(request.config), publicKeyOf);
  const decision = decideOn(host, wanted);
  assert.ok(decision.kind === "change");
  return decision;
}

function at(port: number, more: Partial<RequestDraw> = {}): Wanted {
  const request = requestOf({ ...RELAY, ...more, port });
  const digest = sha256(request.config);
  return wantedOf({ ...request, tunnelOnly: [currentKey(1)] }, digest, publicKeyOf);
}
