import assert from "node:assert/strict";
import fc from "fast-check";
import { diagnose } from "../../mesh/doctor/diagnosis";
import { NEVER_DELIVERED, type Outdated } from "../../mesh/render/delivery";
import { formatAge } from "../../scripts/cli/report-text";
import { statusReport } from "../../scripts/commands/status/status-report";
import { formatBytes, statusText } from "../../scripts/commands/status/status-text";
import type { HostAnswer } from "../../scripts/stack/query-hosts";
import { linkStates } from "../../scripts/stack/link-states";
import { factsOf } from "./support/examined-network";
import * as by from "./support/hand-edits";
import { keyOf } from "./support/network";
import { allAsPlanned, asPlanned, NOW, plan, plannedAs, reached } from "./support/planned-network";

describe("the state of a link", () => {
  const states = (answers: Record<string, HostAnswer>) =>
    Object.fromEntries(
      linkStates(plan, new Map(Object.entries(answers))).map(({ a, b, state, handshakeAge }) => [
        `${a} ${b}`,
        [state, handshakeAge],
      ]),
    );

  it("is alive according to the end that dials, or to the other end if the first cannot be queried", () => {
    const nas = (age: number | null) => reached(asPlanned(plan, "nas", age));
    const tokyo = reached(asPlanned(plan, "tokyo", 30));
    assert.deepEqual(states({ nas: nas(20), tokyo })["nas tokyo"], ["alive", 20]);
    assert.deepEqual(states({ tokyo })["nas tokyo"], ["alive", 30]);
    // The relay still shows the handshake of a session that the dialling end has lost.
    assert.deepEqual(states({ nas: nas(null), tokyo })["nas tokyo"], ["dead", null]);
  });

  it("is dead between pushed nodes when keepalive should have renewed it, or when there never was a handshake", () => {
    assert.deepEqual(states({ nas: reached(asPlanned(plan, "nas", 181)) })["nas tokyo"], [
      "dead",
      181,
    ]);
    assert.deepEqual(states({ vps: reached(asPlanned(plan, "vps", null)) })["tokyo vps"], [
      "dead",
      null,
    ]);
  });

  it("is idle without traffic on a link without keepalive", () => {
    assert.deepEqual(states({ vps: reached(asPlanned(plan, "vps", 181)) })["tokyo vps"], [
      "idle",
      181,
    ]);
  });

  it("is away if one end is a phone, and unknown if neither end can be queried", () => {
    assert.deepEqual(states({ tokyo: reached(asPlanned(plan, "tokyo", 9999)) })["phone tokyo"], [
      "away",
      9999,
    ]);
    const silent: HostAnswer = { reachable: false, cause: "off" };
    assert.deepEqual(states({ tokyo: silent })["phone tokyo"], ["unknown", null]);
  });
});

/** As nft(8) lists it. */
const DROPS_ALL = `table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
	}
}`;

describe("status", () => {
  const report = (answers: Record<string, HostAnswer>) =>
    statusReport(plan.nodes, plannedAs(plan), new Map(Object.entries(answers)));
  const asAllPlanned = allAsPlanned();

  it("is ok when every host matches the plan", () => {
    const { ok, nodes: reports, links } = report(asAllPlanned);
    assert.equal(ok, true);
    assert.deepEqual(reports["phone"], {
      path: "through tokyo",
      state: "alive",
      tunnels: { alive: 2, planned: 2 },
      handshakeAge: 10,
      endpoint: null,
      rx: 20,
      tx: 4096,
      reachable: null,
      through: null,
      interface: null,
      peers: [],
      drift: [],
      remedies: [],
      notes: [],
    });
    assert.deepEqual(reports["nas"]?.interface, {
      name: "wg0",
      state: "up",
      backend: "kernel",
      publicKey: keyOf("nas"),
      listenPort: 40_000,
      mtu: 1420,
      addresses: ["10.86.0.2/24"],
    });
    assert.deepEqual(reports["nas"].peers[0], {
      name: "tokyo",
      handshakeAge: 10,
      endpoint: "203.0.113.10:51820",
      rx: 2048,
      tx: 10,
    });
    assert.equal(links.length, plan.links.length);
  });

  it("is not ok with a host that cannot be reached, one that differs, or a dead link", () => {
    const bad: Record<string, HostAnswer>[] = [
      { ...asAllPlanned, nas: { reachable: false, cause: "timed out" } },
      { ...asAllPlanned, nas: reached(by.deleted("wg0")(asPlanned(plan, "nas"))) },
      { nas: reached(asPlanned(plan, "nas", 500)) },
    ];
    for (const answers of bad) assert.equal(report(answers).ok, false);
  });

  it("suggests no command that would refuse", () => {
    const remedies = (edit: by.Edit) =>
      report({ nas: reached(edit(asPlanned(plan, "nas"))) }).nodes["nas"]?.remedies.join("\n") ??
      "";
    const never = by.allOf(
      by.deleted("wg0"),
      by.records({ owner: null }),
      by.file("/etc/wireguard/wg0.conf", null),
    );
    assert.match(remedies(never), /^Nothing was pushed to it yet.*: npx wireguard-mesh up\n/);
    const [finding] = diagnose(factsOf({ edits: { nas: never } }));
    assert.match(finding?.remedy ?? "", /^npx wireguard-mesh up \(/);
    const owner = { stack: "x/y", node: "nas", machine: "m", released: false };
    const foreign = remedies(by.records({ owner }));
    assert.match(
      foreign,
      /^No push changes that: if that node is to stay, set network\.interface /,
    );
    assert.match(foreign, /: sudo sh \S+host\.sh release wg0$/);
    assert.match(remedies(by.link({ mtu: 1300 })), /newer.*up\n.*repush nas$/);
    const undone = by.allOf(by.link({ mtu: 1300 }), (observed) => ({
      ...observed,
      result: `no handshake with ${keyOf("tokyo")} at 203.0.113.10:51820 within 6 s`,
    }));
    assert.match(
      remedies(undone),
      /^Its last push was undone there: no handshake with tokyo at .*\nCorrect the cause named above/,
    );
  });

  const text = (answers: Record<string, HostAnswer>, outdated: Outdated[] = []) =>
    statusText(report(answers), outdated);

  it("is a line for each node, with the number of working and of planned tunnels", () => {
    assert.equal(
      text(asAllPlanned),
      `NODE   PATH           STATE  AGE   ENDPOINT            IN       OUT
nas    through tokyo  alive  10 s  -                   4.0 KiB  20 B
phone  through tokyo  alive  10 s  -                   20 B     4.0 KiB
tokyo  direct         alive  10 s  203.0.113.10:51820  6.0 KiB  30 B
vps    direct         alive  10 s  198.51.100.9:51820  6.0 KiB  30 B

Tunnels: 5 of 5 have a handshake`,
    );
  });

  it("shows a phone as its relay sees it, and why a tunnel has no handshake", () => {
    const away = { tokyo: reached(asPlanned(plan, "tokyo", null)) };
    const shown = text(away, [{ node: "phone", why: [NEVER_DELIVERED] }]);
    assert.match(shown, /^phone +through tokyo +away +- +- +10 B +2\.0 KiB$/m);
    assert.match(
      shown,
      /^Tunnels: 0 of 5 have a handshake; dead: nas - tokyo, tokyo - vps; phone has not\n {9}been given its config; 2 not checked$/m,
    );
  });

  it("shows no node without a handshake as alive", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(400)), { minLength: 3, maxLength: 3 }), (ages) => {
        const hosts = ["nas", "tokyo", "vps"];
        const answers = hosts.map((name, at) => [
          name,
          reached(asPlanned(plan, name, ages[at] ?? null)),
        ]);
        const { nodes } = report(Object.fromEntries(answers) as Record<string, HostAnswer>);
        for (const { state, handshakeAge } of Object.values(nodes)) {
          const isAlive = state === "alive" || state === "partly";
          if (isAlive) assert.ok(handshakeAge !== null && handshakeAge <= 180);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("has one line for a node with two keys", () => {
    const next = keyOf("next");
    const tokyo = asPlanned(plan, "tokyo", 50);
    const device = tokyo.devices.get("wg0");
    assert.ok(device !== undefined);
    const known = device.peers.get(keyOf("phone"));
    assert.ok(known !== undefined);
    const newer = { ...known, publicKey: next, latestHandshake: NOW - 5 };
    const peers = new Map([...device.peers, [next, newer]]);
    const devices = new Map([...tokyo.devices, ["wg0", { ...device, peers }]]);
    const rotating = {
      ...plan,
      nodes: plan.nodes.map((node) =>
        node.name === "phone" ? { ...node, nextPublicKey: next } : node,
      ),
    };
    const { nodes } = statusReport(
      rotating.nodes,
      plannedAs(rotating),
      new Map([["tokyo", reached({ ...tokyo, devices })]]),
    );
    assert.deepEqual(
      nodes["tokyo"]?.peers.map(({ name }) => name),
      ["nas", "phone", "vps"],
    );
    assert.equal(nodes["phone"]?.handshakeAge, 5);
  });

  it("has the findings below, in lines of 80 columns, except for commands to copy", () => {
    const shown = text({
      ...asAllPlanned,
      vps: { reachable: false, cause: "cannot be reached: timed out" },
      tokyo: reached({
        ...by.device({ listenPort: 1 })(asPlanned(plan, "tokyo")),
        now: NOW - 3600,
        nft: DROPS_ALL.split("\n"),
      }),
    });
    assert.match(shown, /^vps: cannot be reached: timed out$/m);
    assert.match(shown, /^tokyo differs from the plan:\n {2}listen port is 1, planned is 51820\n/m);
    assert.match(shown, /to undo that:\n {2}npx wireguard-mesh repush tokyo$/m);
    const flat = shown.replaceAll(/\n +/g, " ");
    assert.match(flat, /^tokyo: a firewall on this host .* lets no UDP in at port 51820/m);
    assert.match(flat, /^tokyo: its clock is 60 min behind this machine's\./m);
    assert.deepEqual(
      shown.split("\n").filter((line) => line.length > 80 && !line.startsWith("  sudo ")),
      [],
    );
  });

  it("formats ages and bytes in readable units", () => {
    assert.deepEqual([5, 119, 120, 7200, 200_000].map(formatAge), [
      "5 s",
      "119 s",
      "2 min",
      "2 h",
      "2 days",
    ]);
    assert.deepEqual([0, 1023, 1024, 1_572_864].map(formatBytes), [
      "0 B",
      "1023 B",
      "1.0 KiB",
      "1.5 MiB",
    ]);
  });
});
