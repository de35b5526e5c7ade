import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { diagnose, hostsToProbe, hostsToLookAt } from "../../mesh/doctor/diagnosis";
import { probesOf, returnProbesOf } from "../../mesh/doctor/links";
import { doctorReport } from "../../scripts/commands/doctor/doctor-report";
import { doctorText } from "../../scripts/commands/doctor/doctor-text";
import {
  causeOf,
  counted,
  factsOf,
  found,
  LOST,
  NAS,
  TOKYO,
  VPS,
  type Case,
} from "./support/examined-network";
import * as by from "./support/hand-edits";
import { HOST_KEY, nodes, planWithKeys } from "./support/network";
import { NOW, plan } from "./support/planned-network";

type Edit = by.Edit;

const node = nodes("tokyo", "nas", "phone", "vps");
const TOKYO_HOST = { host: "root@203.0.113.10", hostKey: HOST_KEY };
const VPS_HOST = { host: "root@198.51.100.9", hostKey: HOST_KEY };

/** Without the link between the peers. */
const star = { ...plan, links: plan.links.filter(({ a, b }) => a !== "nas" || b !== "vps") };

/** As nft(8) lists it. */
const DROPS_PORT = `table inet x {
	chain i {
		type filter hook input priority filter; policy accept;
		udp dport 51820 drop
	}
}`;

describe("doctor", () => {
  it("finds nothing in a network that matches the plan", () => {
    assert.deepEqual(found({}), []);
    assert.deepEqual(hostsToLookAt(factsOf({})), []);
  });

  it("pings from one end of each link at full size, and one node behind the relay", () => {
    const facts = factsOf({ of: star });
    const probes = probesOf(facts, hostsToProbe(facts));
    const [size, timeoutS] = [1420 - 28, 18];
    assert.deepEqual(probes.get("tokyo"), []);
    assert.deepEqual(probes.get("nas"), [
      { address: TOKYO, size, timeoutS },
      { address: VPS, size: 0, timeoutS },
    ]);
  });

  it("pings from the other end where that was lost", () => {
    const probes = { tokyo: { pings: new Map() } };
    const facts = factsOf({ of: star, pings: { nas: { [TOKYO]: null } }, probes });
    assert.deepEqual(
      [...returnProbesOf(facts, hostsToProbe(facts))],
      [["tokyo", [{ address: NAS, size: 1420 - 28, timeoutS: 3 }]]],
    );
    const well = factsOf({ probes });
    assert.deepEqual([...returnProbesOf(well, hostsToProbe(well))], []);
  });

  it("sends no pings to or from a faulty host", () => {
    const facts = factsOf({ edits: { nas: by.deleted("wg0") } });
    const probes = probesOf(facts, hostsToProbe(facts));
    assert.deepEqual([...probes.keys()], ["tokyo", "vps"]);
    assert.deepEqual(
      probes.get("vps")?.map(({ address }) => address),
      [TOKYO],
    );
    const off = { tokyo: { check: "TCP", cause: "timed out", remedy: "Is it on?" } } as const;
    const rest = factsOf({ of: star, off });
    assert.deepEqual([...probesOf(rest, hostsToProbe(rest)).values()], [[], []]);
  });

  it("names the host that is off and the nodes without a tunnel because of it, and has no findings about those", () => {
    const off = { tokyo: { check: "TCP", cause: "timed out", remedy: "Is it on?" } } as const;
    const edits = { nas: counted(0, 900), vps: counted(0, 900) };
    const pings = { nas: { [TOKYO]: null, [VPS]: null } };
    assert.deepEqual(found({ off, edits, pings }), ["tokyo TCP nas vps"]);
  });

  it("names the host with a wrong preshared key, if the keys could be compared", () => {
    const other = by.firstPeer({ presharedKey: "other" });
    assert.deepEqual(found({ edits: { nas: other } }), ["nas peers tokyo"]);
    assert.match(causeOf({ edits: { nas: other } }), /^preshared key of peer \S+ is another one$/);
  });

  it("names preshared keys that could not be compared as a possible cause", () => {
    const edits = {
      nas: by.peers((all) => all.map((peer) => ({ ...peer, presharedKey: "set" as const }))),
    };
    const later = { nas: counted(0, 900), tokyo: counted(148, 900), vps: counted(0, 10) };
    const one: Case = { edits, later, pings: LOST, compared: false };
    assert.deepEqual(found(one), ["nas UDP tokyo"]);
    assert.match(
      causeOf(one),
      /or they have different preshared keys, which could not be compared$/,
    );
  });

  it("distinguishes lost packets from lost answers, by the counters", () => {
    const silent = { nas: counted(0, 900), vps: counted(0, 10) };
    const away = { ...silent, tokyo: counted(0, 900) };
    assert.deepEqual(found({ later: away, pings: LOST }), ["nas UDP tokyo"]);
    assert.match(
      causeOf({ later: away, pings: LOST }),
      /^nothing that it sends to 203\.0\.113\.10:51820 \(UDP\) arrives at tokyo$/,
    );
    const back = { ...silent, tokyo: counted(148, 900) };
    assert.match(
      causeOf({ later: back, pings: LOST }),
      /^its packets arrive at tokyo, but no answer comes back$/,
    );
    assert.deepEqual(hostsToLookAt(factsOf({ pings: LOST })).sort(), ["nas", "tokyo"]);
  });

  it("names a node that several nodes cannot reach once", () => {
    const quiet = counted(0, 900);
    const later = { nas: quiet, vps: quiet, tokyo: quiet };
    const pings = {
      nas: { [TOKYO]: null },
      vps: { [TOKYO]: null },
      tokyo: { [NAS]: null, [VPS]: null },
    };
    assert.deepEqual(found({ later, pings }), ["tokyo UDP nas vps"]);
    assert.match(
      causeOf({ later, pings }),
      /^nothing that nas, vps send to 203\.0\.113\.10:51820 /,
    );
  });

  it("has no finding about a host that is reached only through a relay that is off", () => {
    const via = planWithKeys({
      relays: { tokyo: node("tokyo", TOKYO_HOST) },
      peers: {
        nas: node("nas", { host: "root@via:tokyo", hostKey: HOST_KEY }),
        vps: node("vps", VPS_HOST),
      },
    });
    const lost = { check: "TCP", cause: "timed out", remedy: "Is it on?" } as const;
    assert.deepEqual(found({ of: via, off: { tokyo: lost, nas: lost } }), ["tokyo TCP"]);
    assert.deepEqual(found({ of: via, off: { nas: lost }, pings: { vps: {} } }), ["nas TCP"]);
  });

  it("reports dropped pings, not dropped UDP, for a tunnel that carries packets", () => {
    const later = { nas: counted(300, 5), tokyo: counted(300, 5) };
    assert.deepEqual(found({ later, pings: LOST }), ["tokyo ping nas"]);
  });

  it("names a host with a wrong clock, or this machine if all hosts differ", () => {
    const hourBack: Edit = (observed) => ({ ...observed, now: NOW - 3600 });
    assert.deepEqual(found({ edits: { nas: hourBack } }), ["nas clock"]);
    const edits = { nas: hourBack, tokyo: hourBack, vps: hourBack };
    assert.deepEqual(found({ edits }), ["this machine clock nas tokyo vps"]);
  });

  it("names the MTU that passes the path if only small pings are answered", () => {
    const sizes = new Map([[TOKYO, 1272]]);
    assert.deepEqual(found({ probes: { nas: { sizes } } }), ["nas MTU tokyo"]);
    assert.match(
      causeOf({ probes: { nas: { sizes } } }),
      /^packets of more than 1300 bytes are lost /,
    );
  });

  it("names the relay if both tunnels work and no packets pass between them", () => {
    const pings = { nas: { [VPS]: null }, vps: { [NAS]: null } };
    assert.deepEqual(found({ of: star, pings }), ["tokyo forwarding nas vps"]);
  });

  it("reports problems of the next push or boot last", () => {
    const full = [{ place: "/", why: "space" }] as const;
    assert.deepEqual(found({ probes: { nas: { full } } }), ["nas disk"]);
    const both = {
      edits: { nas: by.sysctl("net/ipv4/ip_forward", "0") },
      probes: { nas: { full } },
    };
    assert.deepEqual(found(both), ["nas forwarding"]);
  });

  it("is about the named nodes, and about a silent phone only if it is named", () => {
    const edits = { tokyo: counted(0, 900), vps: counted(0, 900) };
    assert.deepEqual(found({ edits, names: ["phone"] }), ["phone handshake"]);
    assert.deepEqual(found({ edits }), []);
    const still = by.sysctl("net/ipv4/ip_forward", "0");
    assert.deepEqual(found({ edits: { nas: still }, names: ["vps"] }), []);
    assert.deepEqual(found({ edits: { tokyo: still }, names: ["vps"] }), [
      "tokyo forwarding nas phone vps",
    ]);
  });

  it("reports a policy as the cause between two named nodes, and as a note for one", () => {
    const strict = { ...plan, policy: [{ from: ["nas"], to: ["*"], ports: null }] };
    const [forbidden] = diagnose(factsOf({ of: strict, names: ["vps", "nas"] }));
    assert.deepEqual([forbidden?.node, forbidden?.check], ["vps", "policy"]);
    assert.deepEqual(found({ of: strict, names: ["nas", "vps"] }), []);
    const { ok, notes } = doctorReport({
      facts: factsOf({ of: strict, names: ["vps"] }),
      notes: [],
    });
    assert.deepEqual([ok, notes], [true, ["The policy lets vps start nothing to: nas, phone"]]);
  });

  const verdicts = (one: Case) => {
    const { findings, well, unknown } = doctorReport({ facts: factsOf(one), notes: [] });
    return { affects: findings.flatMap(({ affects }) => affects), well, unknown };
  };
  const drops: Edit = (observed) => ({ ...observed, nft: DROPS_PORT.split("\n") });

  it("does not list a node as well if a finding cuts off its tunnel, even with a recent handshake", () => {
    const cut = { affects: ["nas", "phone", "vps"], well: [], unknown: [] };
    assert.deepEqual(verdicts({ of: star, edits: { tokyo: drops } }), cut);
    assert.deepEqual(verdicts({ of: star, edits: { tokyo: by.deleted("wg0") } }), cut);
    const pair = { affects: ["nas"], well: [], unknown: ["vps"] };
    const names = ["nas", "vps"];
    const other = by.firstPeer({ presharedKey: "other" });
    assert.deepEqual(verdicts({ of: star, edits: { tokyo: other }, names }), pair);
  });

  it("does not list a node as well if its packets are lost", () => {
    const quiet = counted(0, 900);
    const later = { nas: quiet, vps: quiet, tokyo: quiet };
    const lost = { nas: { [TOKYO]: null }, vps: { [TOKYO]: null } };
    const pings = { ...lost, tokyo: { [NAS]: null, [VPS]: null } };
    const { affects, well } = verdicts({ of: star, later, pings });
    assert.deepEqual(
      [affects, well.includes("nas"), well.includes("vps")],
      [["nas", "vps"], false, false],
    );
  });

  it("lists a host as not judged if its tunnels were not tested, because they lead to a host that is off", () => {
    const off = { tokyo: { check: "TCP", cause: "timed out", remedy: "Is it on?" } } as const;
    assert.deepEqual(verdicts({ of: star, off }), {
      affects: [],
      well: ["phone"],
      unknown: ["nas", "vps"],
    });
  });

  it("prints faulty nodes first, with their remedy, in 80 columns", () => {
    const edits = { nas: by.sysctl("net/ipv4/ip_forward", "0") };
    const text = stripVTControlCharacters(
      doctorText(doctorReport({ facts: factsOf({ edits }), notes: [] })),
    );
    assert.equal(
      text,
      [
        "nas: forwarding: it does not forward IPv4",
        "  Remedy: npx wireguard-mesh repush nas (or npx wireguard-mesh up, if the stack",
        "    file has changed since the last one)",
        "",
        "well: phone, tokyo, vps",
      ].join("\n"),
    );
  });
});
