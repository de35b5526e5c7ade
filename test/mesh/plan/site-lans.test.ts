/** Peers do not route LANs of their own site into the tunnel. */
import * as assert from "node:assert/strict";
import { reachOf } from "../../../mesh/plan/reach";
import { keyPair } from "../../support/key-pairs";
import { nodeIn, planOf } from "../../support/plan-of";

describe("a LAN behind a node of a site", () => {
  const plan = planOf({
    relays: {
      tokyo: {
        address: "10.86.0.1",
        publicKey: keyPair(0).publicKey,
        endpoint: "203.0.113.10:51820",
      },
    },
    peers: {
      gateway: {
        address: "10.86.0.2",
        publicKey: keyPair(1).publicKey,
        site: "home",
        siteEndpoint: "192.168.10.2:51820",
        subnets: ["192.168.10.0/24"],
      },
      desktop: { address: "10.86.0.3", publicKey: keyPair(2).publicKey, site: "home" },
      laptop: { address: "10.86.0.4", publicKey: keyPair(3).publicKey },
    },
  });
  const allowedFor = (name: string) =>
    nodeIn(plan, name).sections.map((section) => [section.name, section.allowedIps]);

  it("is not in the allowed IPs of a peer of that site, which dials the gateway in that LAN", () => {
    assert.deepEqual(allowedFor("desktop"), [
      ["gateway", ["10.86.0.2/32"]],
      ["tokyo", ["10.86.0.0/24"]],
    ]);
  });

  it("is in the allowed IPs of other nodes", () => {
    assert.deepEqual(allowedFor("laptop"), [["tokyo", ["10.86.0.0/24", "192.168.10.0/24"]]]);
    const reached = reachOf(plan).filter(({ to }) => to === "192.168.10.0/24");
    assert.deepEqual(
      reached.map(({ from }) => from),
      ["laptop", "tokyo"],
    );
  });
});
