/** `status --watch`: rates from the counters, and a text that fits the terminal. */
import assert from "node:assert/strict";
import { refreshed } from "../../mesh/host/refreshed";
import { withRates } from "../../scripts/commands/status/rates";
import { statusReport } from "../../scripts/commands/status/status-report";
import { watchText } from "../../scripts/commands/status/watch-text";
import type { HostAnswer } from "../../scripts/stack/query-hosts";
import { linkStates } from "../../scripts/stack/link-states";
import { Semaphore } from "../../scripts/stack/semaphore";
import * as by from "./support/hand-edits";
import { keyOf } from "./support/network";
import { allAsPlanned, asPlanned, NOW, plan, plannedAs, reached } from "./support/planned-network";

/** A host whose counters for every neighbour have grown by these bytes, these seconds after NOW. */
function later(name: string, seconds: number, received: number, sent: number): HostAnswer {
  const grown = by.peers((all) =>
    all.map((peer) => ({
      ...peer,
      receivedBytes: peer.receivedBytes + received,
      sentBytes: peer.sentBytes + sent,
    })),
  );
  const answer = reached(grown(asPlanned(plan, name)));
  assert.ok(answer.reachable);
  return { ...answer, queriedAt: NOW + seconds };
}

const OFF: HostAnswer = { reachable: false, cause: "timed out" };

function rates(before: Record<string, HostAnswer>, after: Record<string, HostAnswer>) {
  const [former, latter] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  const links = withRates(linkStates(plan, latter), plan, former, latter);
  return new Map(links.map(({ a, b, aToB, bToA }) => [`${a} ${b}`, [aToB, bToA]]));
}

describe("the rates of tunnels", () => {
  it("are the growth of the counters by the time between two answers, as the first end counts", () => {
    const before = { nas: later("nas", 0, 0, 0), tokyo: later("tokyo", 0, 0, 0) };
    const after = { nas: later("nas", 4, 400, 100), tokyo: later("tokyo", 5, 9999, 9999) };
    assert.deepEqual(rates(before, after).get("nas tokyo"), [25, 100]);
  });

  it("are those of the other end if the first one was not queried", () => {
    const before = { nas: OFF, tokyo: later("tokyo", 0, 0, 0) };
    const after = { nas: OFF, tokyo: later("tokyo", 2, 50, 10) };
    assert.deepEqual(rates(before, after).get("nas tokyo"), [25, 5]);
    assert.deepEqual(rates(before, after).get("phone tokyo"), [25, 5]);
  });

  it("are unknown at first, without a newer answer, and after a reset of the counters", () => {
    const one = { tokyo: later("tokyo", 0, 10, 10) };
    const unknown = [null, null];
    assert.deepEqual(rates({}, one).get("phone tokyo"), unknown);
    assert.deepEqual(rates(one, one).get("phone tokyo"), unknown);
    assert.deepEqual(rates(one, { tokyo: later("tokyo", 2, 0, 0) }).get("phone tokyo"), unknown);
  });
});

describe("a round as text", () => {
  const look = (answers: Record<string, HostAnswer>) => {
    const all = new Map(Object.entries(answers));
    const report = statusReport(plan.nodes, plannedAs(plan), all);
    const links = withRates(report.links, plan, new Map(), all);
    return { heading: "12:00:00  mesh/dev, every 2 s", report, links, outdated: [] };
  };
  const well = allAsPlanned();

  it("has a line for each tunnel, and below them the hosts that were not reached", () => {
    const cause =
      "cannot be reached, so nothing was sent to it.\n  root@203.0.113.10: timed out: no answer\nIs it on?";
    const shown = watchText(look({ ...well, tokyo: { reachable: false, cause } }), null);
    assert.equal(
      shown,
      `12:00:00  mesh/dev, every 2 s

NODE   PEER   STATE    AGE   SENT  RECEIVED
phone  tokyo  unknown  -     -     -
nas    tokyo  alive    10 s  -     -
nas    vps    alive    10 s  -     -
phone  vps    alive    10 s  -     -
tokyo  vps    alive    10 s  -     -

Tunnels: 4 of 5 have a handshake; not known: phone - tokyo
Not seen: tokyo: root@203.0.113.10: timed out: no answer`,
    );
  });

  it("shows the worst tunnels if the terminal has no room for all, and fits into it", () => {
    const shown = watchText(look({ ...well, tokyo: OFF, nas: OFF }), 11).split("\n");
    assert.ok(shown.length < 11, shown.join("\n"));
    assert.deepEqual(
      shown.slice(3, 6).map((line) => line.split(/ +/)[2]),
      ["unknown", "unknown", "alive"],
    );
    assert.equal(shown[6], "and 2 more");
  });

  it("has at most 80 columns, with long names and any rates", () => {
    const name = "n".repeat(63);
    const { report, ...rest } = look(well);
    const wide = {
      a: name,
      b: name,
      state: "unknown",
      handshakeAge: 7199,
      aToB: 1048575,
      bToA: 1048575,
    } as const;
    const shown = watchText({ ...rest, report: { ...report, links: [] }, links: [wide] }, null);
    const row = shown.split("\n")[3] ?? "";
    assert.ok(row.includes("…") && row.length <= 80, row);
  });
});

describe("an observation that is refreshed", () => {
  it("has the current clock, handshakes and counters, and the earlier keys and files", () => {
    const last = asPlanned(plan, "nas");
    const peer = last.devices.get("wg0")?.peers.get(keyOf("tokyo"));
    assert.ok(peer !== undefined);
    const wg = [
      ["wg0", keyOf("nas"), "40000", "off"],
      [
        "wg0",
        keyOf("tokyo"),
        "set",
        "198.51.100.1:7",
        "10.86.0.0/24",
        `${NOW + 5}`,
        "7",
        "8",
        "25",
      ],
    ].map((columns) => columns.join("\t"));
    const now = refreshed(
      last,
      new Map([
        ["now", [`${NOW + 6}`]],
        ["wg", wg],
      ]),
    );
    assert.deepEqual(now.devices.get("wg0")?.peers.get(keyOf("tokyo")), {
      ...peer,
      endpoint: { address: "198.51.100.1", port: 7 },
      allowedIps: ["10.86.0.0/24"],
      latestHandshake: NOW + 5,
      receivedBytes: 7,
      sentBytes: 8,
      keepalive: 25,
    });
    assert.equal(now.now, NOW + 6);
    assert.equal(now.configs, last.configs);
  });
});

describe("a semaphore", () => {
  it("limits the number of holders, in order of arrival, and releases each slot once", async () => {
    const turns = new Semaphore(1);
    const order: number[] = [];
    const ends = [1, 2, 3].map(async (one) => {
      const end = await turns.acquire();
      order.push(one);
      return end;
    });
    const first = await ends[0];
    assert.deepEqual(order, [1]);
    first?.();
    first?.();
    const second = await ends[1];
    assert.deepEqual(order, [1, 2]);
    second?.();
    await ends[2];
    assert.deepEqual(order, [1, 2, 3]);
  });
});
