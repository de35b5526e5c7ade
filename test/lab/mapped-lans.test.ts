/** Two homes with the same LAN, each with another prefix in the network, with the real engine. Needs root. */
import * as assert from "node:assert/strict";
import type { ScenarioConfig } from "../../scripts/lab/scenario";
import type { World } from "../../scripts/lab/world";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { openSession, succeeded, UP, type MeshSession } from "./support/mesh-session";
import { canPing, canPingSoon, reachesSshSoon, waitForLog } from "./support/small-world";
import { setConfig } from "./support/stack-edits";

const LAN = "192.168.1.0/24";
/** What an administrator would set on a machine, or on its router. */
const ROUTES = ["10.0.0.0/24", "10.99.0.0/16"].map((prefix) => `${prefix} via 192.168.1.2`);

const network = {
  world: {
    nats: {
      home1: { public: "203.0.113.21", lan: LAN },
      home2: { public: "203.0.113.22", lan: LAN },
    },
    hosts: {
      relay: { public: "203.0.113.10" },
      gateway1: { nat: "home1", ip: "192.168.1.2" },
      gateway2: { nat: "home2", ip: "192.168.1.2" },
      pc1: { nat: "home1", ip: "192.168.1.50", routes: ROUTES },
      pc2: { nat: "home2", ip: "192.168.1.50", routes: ROUTES },
      // It has no route into the tunnel.
      printer2: { nat: "home2", ip: "192.168.1.9" },
    },
  } satisfies World,
  config: (lab: { managementAddress(host: string): string }): ScenarioConfig => ({
    network: { cidr: "10.0.0.0/24" },
    relays: { relay: { address: "10.0.0.1", host: "root@203.0.113.10" } },
    peers: {
      gateway1: {
        address: "10.0.0.2",
        host: `root@${lab.managementAddress("gateway1")}`,
        subnets: [{ lan: LAN, as: "10.99.1.0/24" }],
      },
      gateway2: {
        address: "10.0.0.3",
        host: `root@${lab.managementAddress("gateway2")}`,
        subnets: [{ lan: LAN, as: "10.99.2.0/24" }],
      },
    },
  }),
};

describe("two homes with the same LAN", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;

  before(async () => {
    mesh = await meshLab(network, "test-mapped-lans");
    session = await openSession(mesh);
    succeeded(await session.pulumi(...UP));
  });
  after(() => mesh.lab.down());

  it("reach each other's machines, which see the other home's prefix in the network", async () => {
    assert.ok(await canPingSoon(mesh.lab, "pc1", "10.99.2.50"));
    assert.ok(await canPingSoon(mesh.lab, "pc2", "10.99.1.50"));
    for (const [from, to, address] of [
      ["pc1", "pc2", "10.99.2.50"],
      ["pc2", "pc1", "10.99.1.50"],
    ] as const) {
      assert.ok(await reachesSshSoon(mesh.lab, from, address));
      const source = address === "10.99.2.50" ? "10.99.1.50" : "10.99.2.50";
      assert.ok(await waitForLog(mesh.lab, to, new RegExp(`closed by ${source} `)), to);
    }
  });

  it("can be reached from the relay and from the other gateway, each by its own prefix", async () => {
    for (const from of ["relay", "gateway1"])
      assert.ok(await canPingSoon(mesh.lab, from, "10.99.2.50"), from);
    assert.ok(await canPingSoon(mesh.lab, "relay", "10.99.1.50"));
  });

  it("change nothing in a second up", async () => {
    const up = succeeded(await session.pulumi(...UP));
    assert.doesNotMatch(up.stdout, /changed, |created|updated|deleted|replaced/);
  });

  it("answer also from a machine that has no route back, once their gateway masquerades too", async () => {
    assert.equal(await canPing(mesh.lab, "pc1", "10.99.2.9"), false);
    setConfig(mesh.stack, ["peers", "gateway2", "masquerade"], true);
    succeeded(await session.pulumi(...UP));
    assert.ok(await canPingSoon(mesh.lab, "pc1", "10.99.2.9"));
  });

  it("leak no secret", () => session.leaks.end());
});
