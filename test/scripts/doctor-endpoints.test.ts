/** What `doctor` finds about endpoints that lead to another machine. */
import assert from "node:assert/strict";
import { diagnose, hostsToLookAt, hostsToProbe } from "../../mesh/doctor/diagnosis";
import { roamedNotes } from "../../mesh/doctor/endpoint-checks";
import type { Plan } from "../../mesh/plan/plan";
import {
  causeOf,
  counted,
  factsOf,
  found,
  LOST,
  NAS,
  TOKYO,
  VPS,
} from "./support/examined-network";
import * as by from "./support/hand-edits";
import { HOST_KEY, nodes, planWithKeys } from "./support/network";

const node = nodes("tokyo", "nas", "phone", "vps");

/** Of the peer section with an endpoint: the address that packets are sent to. */
const dialling = (address: string): by.Edit =>
  by.peers((all) =>
    all.map((peer) =>
      peer.endpoint === null ? peer : { ...peer, endpoint: { address, port: 51820 } },
    ),
  );

function networkWith(endpoint: string): Plan {
  const tokyo = { host: "root@203.0.113.10", hostKey: HOST_KEY, endpoint };
  const vps = node("vps", { host: "root@198.51.100.9", hostKey: HOST_KEY });
  return planWithKeys({
    relays: { tokyo: node("tokyo", tokyo) },
    peers: { nas: node("nas", { host: "local" }), vps },
  });
}

describe("doctor, about an endpoint of another machine", () => {
  const later = { nas: counted(0, 900), tokyo: counted(0, 900) };
  const right = networkWith("203.0.113.10:51820");
  const wrong = networkWith("198.51.100.9:51820");
  const roamedBoth = { nas: dialling("203.0.113.10"), vps: dialling("203.0.113.10") };

  it("names it if it is only on the host", () => {
    const moved = { of: right, edits: { nas: dialling("198.51.100.9") }, later, pings: LOST };
    assert.deepEqual(found(moved), ["nas endpoint tokyo"]);
    assert.equal(
      causeOf(moved),
      "it dials tokyo at 198.51.100.9, which is vps, not tokyo; planned is 203.0.113.10:51820",
    );
    assert.match(
      causeOf({ ...moved, edits: { nas: dialling("192.0.2.1") } }),
      /at 192\.0\.2\.1, which is not tokyo \(203\.0\.113\.10\); planned /,
    );
  });

  it("names a planned one once, whatever the number of nodes that dial it", () => {
    const pings = { ...LOST, vps: { [TOKYO]: null }, tokyo: { [NAS]: null, [VPS]: null } };
    assert.deepEqual(found({ of: wrong, later, pings }), ["tokyo endpoint nas vps"]);
    assert.equal(
      causeOf({ of: wrong, later, pings }),
      "the endpoint of tokyo is 198.51.100.9, which is vps, not tokyo",
    );
  });

  it("names it where roaming hides it: before its pings, or by them", () => {
    assert.deepEqual(found({ of: wrong, edits: roamedBoth }), ["tokyo endpoint nas vps"]);
    assert.equal(
      causeOf({ of: wrong, edits: roamedBoth }),
      "the endpoint of tokyo is 198.51.100.9, which is vps, not tokyo; the tunnel works until it is restarted, because packets came from tokyo",
    );
    const edits = { nas: counted(0, null), vps: dialling("203.0.113.10") };
    assert.deepEqual(hostsToLookAt(factsOf({ of: wrong, edits })), ["nas"]);
    const woken = { nas: dialling("203.0.113.10") };
    assert.deepEqual(found({ of: wrong, edits, later: woken }), ["tokyo endpoint nas vps"]);
  });

  it("is one finding if some tunnels work and others do not", () => {
    const one = {
      ...{ of: wrong, edits: { vps: dialling("203.0.113.10") }, later },
      pings: { nas: { [TOKYO]: null, [VPS]: null }, tokyo: { [NAS]: null } },
    };
    assert.deepEqual(found(one), ["tokyo endpoint nas vps"]);
    assert.equal(causeOf(one), "the endpoint of tokyo is 198.51.100.9, which is vps, not tokyo");
  });

  it("names one at which nothing answered until packets came from the right one", () => {
    const silent = networkWith("192.0.2.77:51820");
    const edits = { nas: counted(0, null), vps: counted(0, null) };
    const later = { nas: dialling("203.0.113.10"), vps: dialling("203.0.113.10") };
    assert.deepEqual(found({ of: silent, edits, later }), ["tokyo endpoint nas vps"]);
    assert.match(
      causeOf({ of: silent, edits, later }),
      /^nothing answered at 192\.0\.2\.77:51820, the endpoint of tokyo; the tunnel works until /,
    );
  });

  it("only notes one that may be translated to the other end", () => {
    const facts = factsOf({ of: networkWith("192.0.2.77:51820"), edits: roamedBoth });
    assert.deepEqual(diagnose(facts), []);
    assert.deepEqual(roamedNotes(facts, hostsToProbe(facts)), [
      "nas, vps: the tunnel to tokyo works at 203.0.113.10, and its endpoint is 192.0.2.77: if that is not tokyo, correct it in the stack file, or the tunnel does not come back after a restart",
    ]);
    const well = factsOf({ of: right });
    assert.deepEqual(roamedNotes(well, hostsToProbe(well)), []);
  });

  it("finds nothing in a tunnel that is up at its planned endpoint, whatever it knows of the address", () => {
    assert.deepEqual(found({ of: wrong }), []);
    assert.deepEqual(found({ of: right, edits: { nas: counted(0, 900) } }), []);
  });
});
