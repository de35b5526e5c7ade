/** The neighbours whose answers prove that a canary's tunnels work. */
import assert from "node:assert/strict";
import { pingedBy } from "../../scripts/stack/canary-tunnels";
import { HOST_KEY, nodeOf, nodes, planWithKeys } from "./support/network";

const node = nodes("tokyo", "nas", "phone", "vps");
const host = (address: string) => ({ host: `root@${address}`, hostKey: HOST_KEY });

function pinged(policy?: object): string[] {
  const plan = planWithKeys({
    relays: { tokyo: node("tokyo", host("203.0.113.10")) },
    peers: {
      nas: node("nas", { ...host("203.0.113.11"), endpoint: "203.0.113.11:51820" }),
      vps: node("vps", { ...host("203.0.113.12"), endpoint: "203.0.113.12:51820" }),
      phone: node("phone"),
    },
    ...(policy === undefined ? {} : { policy }),
  });
  return pingedBy(nodeOf(plan, "nas"), plan).map(({ name }) => name);
}

describe("the neighbours that a canary pings", () => {
  it("have a host, relays first", () => {
    assert.deepEqual(pinged(), ["tokyo", "vps"]);
  });

  it("are those that the policy lets it ping: a stricter policy is no dead tunnel", () => {
    const toVps = { from: ["nas"], to: ["vps"], ports: ["tcp/22"] };
    assert.deepEqual(pinged([toVps]), ["tokyo", "vps"]);
    assert.deepEqual(pinged([{ from: ["vps"], to: ["nas"] }]), ["tokyo"]);
  });
});
