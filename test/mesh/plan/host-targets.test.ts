/** Login targets, jump relays, machine identities and probes. */
import assert from "node:assert/strict";
import { hostTargets, machineId, otherJumps } from "../../../mesh/plan/host-targets";
import { requestWithoutSecrets } from "../../../mesh/render/push-request";
import { jumpRelays } from "../../../mesh/plan/jump-relays";
import { Secret } from "../../../mesh/secret";
import { hostKeyLine, keyPair } from "../../support/key-pairs";
import { nodeIn, planOf } from "../../support/plan-of";
import { changed } from "../../support/small-network";

const [relayKey, firstKey, secondKey] = [hostKeyLine(0), hostKeyLine(1), hostKeyLine(2)];

/** A network with these fields for the desktop, and a host for the relay. */
function planWith(desktop: Record<string, unknown>) {
  const tokyo = { host: "root@203.0.113.10:2222", hostKey: relayKey };
  return planOf(
    changed({
      privateKeys: Secret.sealed(),
      relays: { tokyo },
      peers: { desktop: { ...desktop } },
    }),
  );
}

describe("login targets", () => {
  it("are in the order of the config; via jumps through the relay to the tunnel address", () => {
    const hostKey = [firstKey, secondKey];
    const plan = planWith({ host: ["taro@192.168.1.20", "admin@via:tokyo"], hostKey });
    assert.deepEqual(hostTargets(nodeIn(plan, "desktop"), plan, null), [
      {
        kind: "ssh",
        hop: {
          user: "taro",
          address: "192.168.1.20",
          port: 22,
          hostKeys: hostKey,
          authority: null,
          pinnedAt: "peers.desktop.hostKey",
        },
        via: [],
      },
      {
        kind: "ssh",
        hop: {
          user: "admin",
          address: "10.86.0.2",
          port: 22,
          hostKeys: hostKey,
          authority: null,
          pinnedAt: "peers.desktop.hostKey",
        },
        via: [
          {
            user: "root",
            address: "203.0.113.10",
            port: 2222,
            hostKeys: [relayKey],
            authority: null,
            pinnedAt: "relays.tokyo.hostKey",
          },
        ],
      },
    ]);
  });

  it("are local for host: local, and empty for a node without a host", () => {
    const plan = planWith({ host: "local" });
    assert.deepEqual(hostTargets(nodeIn(plan, "desktop"), plan, null), [{ kind: "local" }]);
    assert.deepEqual(hostTargets(nodeIn(plan, "laptop"), plan, null), []);
  });

  it("need a jump relay only without a direct host", () => {
    const needed = (host: string | string[]) =>
      jumpRelays(nodeIn(planWith({ host, hostKey: firstKey }), "desktop"));
    assert.deepEqual(needed("admin@via:tokyo"), ["tokyo"]);
    assert.deepEqual(needed(["admin@via:tokyo", "taro@192.168.1.20"]), []);
    assert.deepEqual(needed("taro@192.168.1.20"), []);
  });
});

describe("a machine identity", () => {
  const machine = (fields: Record<string, unknown>) =>
    machineId(nodeIn(planWith(fields), "desktop"));
  const host = "taro@192.168.1.20";

  it("does not depend on the address or the order of the host keys", () => {
    const known = machine({ host, hostKey: [firstKey, secondKey] });
    assert.equal(machine({ host: "root@10.0.0.9:2222", hostKey: [secondKey, firstKey] }), known);
    assert.notEqual(machine({ host, hostKey: firstKey }), known);
  });

  it("is the node name for host: local", () => {
    assert.equal(machine({ host: "local" }), "local:desktop");
  });
});

describe("probes", () => {
  it("go only to the nodes that a node dials, relays first", () => {
    const plan = planOf(
      changed({
        peers: {
          desktop: { endpoint: "203.0.113.20:51820" },
          athens: { address: "10.86.0.9", publicKey: keyPair(9).publicKey },
        },
      }),
    );
    assert.deepEqual(nodeIn(plan, "laptop").probes, ["10.86.0.1", "10.86.0.2"]);
    assert.deepEqual(nodeIn(plan, "desktop").probes, ["10.86.0.1"]);
    assert.deepEqual(nodeIn(plan, "tokyo").probes, ["10.86.0.2"]);
  });
});

describe("peers that are reached only through the tunnel", () => {
  const pinned = { hostKey: firstKey };

  it("are listed with their keys and addresses at relays, and nowhere else", () => {
    const plan = planWith({ ...pinned, host: "root@via:tokyo" });
    const { publicKey } = nodeIn(plan, "desktop");
    assert.deepEqual(nodeIn(plan, "tokyo").tunnelOnly, [`${publicKey} 10.86.0.2`]);
    assert.deepEqual(nodeIn(plan, "laptop").tunnelOnly, []);
  });

  it("do not change a relay's request if there are none", () => {
    for (const host of ["root@192.168.1.20", ["root@192.168.1.20", "root@via:tokyo"]]) {
      const plan = planWith({ ...pinned, host });
      assert.deepEqual(nodeIn(plan, "tokyo").tunnelOnly, []);
      const request = requestWithoutSecrets(nodeIn(plan, "tokyo"), plan, "project/stack");
      assert.ok(!("tunnelOnly" in request));
    }
  });

  it("have the relays that are not a jump host of theirs, which may be a former home relay", () => {
    const osaka = {
      ...{ address: "10.86.0.8", publicKey: keyPair(8).publicKey },
      ...{ host: "root@203.0.113.11", hostKey: firstKey },
    };
    const jumps = (host: string | string[]) => {
      const plan = planOf(
        changed({
          relays: { tokyo: { host: "root@203.0.113.10", hostKey: relayKey }, osaka },
          peers: { desktop: { ...pinned, host, relay: "tokyo" }, laptop: { relay: "tokyo" } },
        }),
      );
      return otherJumps(nodeIn(plan, "desktop"), plan, null).map(({ address }) => address);
    };
    assert.deepEqual(jumps("root@via:tokyo"), ["203.0.113.11"]);
    assert.deepEqual(jumps("root@via:osaka"), ["203.0.113.10"]);
    assert.deepEqual(jumps(["root@via:osaka", "root@via:tokyo"]), []);
    assert.deepEqual(jumps(["root@via:osaka", "root@192.168.1.20"]), []);
  });
});
