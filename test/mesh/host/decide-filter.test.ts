/** The packet filter of a host, by example: its steps, their order, its files at boot, and its differences as text. */
import assert from "node:assert/strict";
import { decide } from "../../../mesh/host/decide";
import { formatDifference } from "../../../mesh/host/format-difference";
import { toolsToInstall } from "../../../mesh/host/tools";
import { filterTable } from "../../../mesh/filter-table";
import {
  changeOn,
  decideOn,
  neighbour,
  pushed,
  refusalOn,
  RELAY,
  stepsText,
  wantedBy,
  differencesOn,
} from "./support/examples";
import type { Host } from "./support/host";
import { freshHost } from "./support/hosts";
import { filterAt, type RequestDraw } from "./support/requests";
import { look, OPTIONS } from "./support/situations";

const FILTERED: RequestDraw = { ...RELAY, filter: 0 };
const TABLE = "inet wireguard-mesh-wg0";
const LIVE = "/etc/wireguard/wg0.conf";
const [A, B] = ["/etc/wireguard/wg0.a.nft", "/etc/wireguard/wg0.b.nft"];

/** The probe of the relay, which follows every change. */
const PING = "ping 10.86.0.20";

/** The lines of a filter below the step that loads it. */
function loaded(at: number | null): string[] {
  const table = at === null ? [] : filterAt(at).trimEnd().split("\n");
  return [
    "nft",
    ...[`add table ${TABLE}`, `delete table ${TABLE}`, ...table].map((it) => `  ${it}`),
  ];
}

describe("the packet filter of a host", () => {
  it("is loaded in one transaction, and undone to the table that was there", () => {
    const host = pushed(FILTERED);
    const change = changeOn(host, { ...RELAY, filter: 1 });
    assert.deepEqual(stepsText(change, "apply"), [...loaded(1), PING]);
    const undo = stepsText(change, "undo").filter((line) => line !== "  ");
    assert.deepEqual(undo.slice(0, 5), loaded(0).slice(0, 5));
  });

  it("is loaded before the peers that it is for are added, and removed after them", () => {
    const more = [...RELAY.neighbours, neighbour(2)];
    const operations = (host: Host, draw: RequestDraw, part: "apply" | "undo") =>
      stepsText(changeOn(host, draw), part)
        .filter((line) => !line.startsWith("  "))
        .map((line) => line.split(" ")[0]);
    const coming = { ...FILTERED, neighbours: more };
    assert.deepEqual(operations(pushed(RELAY), coming, "apply"), ["nft", "wg", "ping"]);
    assert.deepEqual(operations(pushed(RELAY), coming, "undo"), ["set", "nft"]);
    assert.deepEqual(operations(pushed(coming), RELAY, "apply"), ["set", "nft", "ping"]);
  });

  it("is not touched by other changes", () => {
    const change = changeOn(pushed(FILTERED), { ...FILTERED, mtu: 1380 });
    assert.deepEqual(stepsText(change, "apply"), ["ip", "  link set mtu 1380 dev wg0", PING]);
  });

  it("is in a file at boot, which the live file loads before it brings the interface up", () => {
    const host = pushed(FILTERED);
    assert.equal(
      host.files.get(A),
      loaded(0)
        .slice(1)
        .map((it) => `${it.slice(2)}\n`)
        .join(""),
    );
    const lines = (host.files.get(LIVE) ?? "").split("\n");
    assert.deepEqual(lines.slice(1, 4), [
      "[Interface]",
      `PreUp = PATH=$PATH:/usr/sbin:/sbin; [ -s ${A} ] && nft -f <(cat ${A})`,
      `PostDown = PATH=$PATH:/usr/sbin:/sbin; nft 'add table ${TABLE}; delete table ${TABLE}'`,
    ]);
  });

  it("is written to the other file when it changes, which the config names from then on", () => {
    const host = pushed(FILTERED);
    const steps = stepsText(changeOn(host, { ...RELAY, filter: 1 }), "commit");
    const files = steps.filter((line) => / \/etc\/wireguard/.test(line) && !line.startsWith("  "));
    assert.deepEqual(files, [`place 600 ${B}`, `place 600 ${LIVE}`, `delete ${A}`]);
  });

  it("leaves no file and no hook when none is wanted", () => {
    const host = pushed(RELAY, pushed(FILTERED));
    assert.deepEqual([host.table, host.files.has(A), host.files.has(B)], [null, false, false]);
    assert.doesNotMatch(host.files.get(LIVE) ?? "", /nft/);
    assert.deepEqual(host.files.get(LIVE), pushed(RELAY).files.get(LIVE));
  });

  for (const [what, edit, difference] of [
    [
      "flushed",
      (host: Host) => (host.table = null),
      `its packet filter (nft table ${TABLE}) is missing`,
    ],
    [
      "edited",
      (host: Host) => host.table?.splice(4, 1, "\t\ttcp dport 22 accept"),
      `its packet filter (nft table ${TABLE}) differs: missing: chain forward: ip saddr { 10.86.0.20, 10.86.0.22 } tcp dport { 443, 8080 } accept; ` +
        "not in the plan: chain forward: tcp dport 22 accept",
    ],
    [
      "edited in its file",
      (host: Host) => host.files.set(A, "flush ruleset\n"),
      `${A} was edited by hand`,
    ],
    ["without its file", (host: Host) => host.files.delete(A), `${A} is missing`],
  ] as const) {
    it(`is repaired where it was ${what}`, () => {
      const host = pushed(FILTERED);
      edit(host);
      assert.deepEqual(differencesOn(host, FILTERED), [difference]);
      pushed(FILTERED, host);
      assert.deepEqual(differencesOn(host, FILTERED), []);
      assert.equal(decideOn(host, FILTERED).kind, "nothing");
    });
  }

  it("is removed where none is wanted", () => {
    const host = pushed(RELAY);
    host.table = filterAt(3).trimEnd().split("\n");
    assert.deepEqual(differencesOn(host, RELAY), [
      `its packet filter (nft table ${TABLE}) is not in the plan`,
    ]);
    assert.deepEqual(stepsText(changeOn(host), "apply"), [...loaded(null), PING]);
  });

  it("is reported briefly if its lines are in another order, or many lines differ", () => {
    const textOf = (missing: string[]) =>
      formatDifference({ kind: "filter", is: "other", missing, extra: [] }, new Map(), "wg0");
    assert.match(textOf([]), /differs: its lines are in another order$/);
    assert.match(textOf(["a", "b", "c"]), /differs: missing: a \(and 2 more\)$/);
    assert.ok(textOf(["x".repeat(5000)]).length < 300);
  });

  it("needs nft: it is installed, or the push is refused with a remedy", () => {
    const wanted = wantedBy(FILTERED);
    const without = (...tools: string[]) => {
      const observed = look(freshHost(), wanted);
      return {
        ...observed,
        tools: new Set([...observed.tools, ...tools].filter((it) => it !== "nft")),
      };
    };
    const hasApt = without();
    assert.deepEqual(toolsToInstall(hasApt, wanted)?.packages, ["nftables"]);
    assert.equal(toolsToInstall(hasApt, wantedBy(RELAY)), null);
    assert.equal(
      refusalOn(freshHost(), FILTERED, () => ({ tools: hasApt.tools })),
      "host has a packet filter in the plan, and the host has no nft, which could not be installed\n" +
        "install nftables on the host; iptables can stay as it is. Or take what needs the filter off host",
    );
    assert.notEqual(decide(hasApt, wantedBy(RELAY), OPTIONS).kind, "refuse");
  });
});

describe("the name of the table", () => {
  it("is valid for nft and unique, whatever the interface's name", () => {
    assert.equal(filterTable("wg0"), TABLE);
    assert.equal(filterTable("a=b+c.d-e_f"), "inet wireguard-mesh-a/eb/pc.d-e_f");
  });
});
