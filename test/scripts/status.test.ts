import assert from "node:assert/strict";
import { formatAge } from "../../scripts/cli/report-text";
import { formatBytes, statusReport, statusText } from "../../scripts/commands/status/status-report";
import type { HostAnswer } from "../../scripts/stack/ask-hosts";
import { linkStates } from "../../scripts/stack/link-states";
import * as by from "./support/hand-edits";
import { keyOf } from "./support/network";
import { asPlanned, NOW, plan, plannedAs, reached } from "./support/planned-network";

describe("the state of a link", () => {
  const states = (answers: Record<string, HostAnswer>) =>
    Object.fromEntries(
      linkStates(plan, new Map(Object.entries(answers))).map(({ a, b, state, handshakeAge }) => [
        `${a} ${b}`,
        [state, handshakeAge],
      ]),
    );

  it("is alive according to the end that dials, or to the other end if the first cannot be asked", () => {
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

  it("is away if one end is a phone, and unknown if neither end can be asked", () => {
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
  const asAllPlanned = {
    nas: reached(asPlanned(plan, "nas")),
    tokyo: reached(asPlanned(plan, "tokyo")),
    vps: reached(asPlanned(plan, "vps")),
  };

  it("is ok when every host matches the plan", () => {
    const { ok, nodes: reports, links } = report(asAllPlanned);
    assert.equal(ok, true);
    assert.deepEqual(reports["phone"], {
      reachable: null,
      through: null,
      interface: null,
      peers: [],
      drift: [],
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

  it("is a table of the nodes and their peers, with the findings below", () => {
    const text = statusText(
      report({
        ...asAllPlanned,
        vps: { reachable: false, cause: "cannot be reached: timed out" },
        tokyo: reached({
          ...by.device({ listenPort: 1 })(asPlanned(plan, "tokyo")),
          now: NOW - 3600,
          nft: DROPS_ALL.split("\n"),
        }),
      }),
    );
    assert.match(text, /^NODE +REACHED +PEER +LINK +HANDSHAKE +ENDPOINT +RECEIVED +SENT$/m);
    assert.match(
      text,
      /^nas +local +tokyo +alive +10 s ago +203\.0\.113\.10:51820 +2\.0 KiB +10 B$/m,
    );
    assert.match(text, /^phone +no host +-/m);
    assert.match(text, /vps.*: cannot be reached: timed out$/m);
    assert.match(text, /tokyo.* differs from the plan:\n {2}listen port is 1, planned is 51820\n/);
    assert.match(text, /to undo that: npx wireguard-mesh repush tokyo$/m);
    assert.match(text, /tokyo.*: a firewall on this host .* lets no UDP in at port 51820/m);
    assert.match(text, /tokyo.*: its clock is 60 min behind this machine's\./m);
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
