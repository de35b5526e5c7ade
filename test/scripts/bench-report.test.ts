/** The bench's figures, its table and its targets. */
import * as assert from "node:assert/strict";
import { costSample, isMet, sampleOf, type Figure } from "../../scripts/bench/figures";
import { figuresOf, type Measurement, type Row } from "../../scripts/bench/pushes";
import { formatReport, formatShort, formatTable } from "../../scripts/bench/report";

const MACHINE = {
  ...{ date: "2026-11-29", cores: 2, cpu: "CPU", kernel: "Linux 6.1", node: "24.1.0" },
  ...{ engine: "3.276.0", wireguard: "kernel WireGuard", load: 0.25 },
};

/** Without the blanks that align the columns. */
const squeezed = (text: string): string => text.replace(/ +/g, " ");

const up: Figure = {
  ...{ section: "pushes", what: "`up`", unit: "s" },
  ours: costSample([
    { wallSeconds: 3, cpuSeconds: 4 },
    { wallSeconds: 9, cpuSeconds: 1 },
    { wallSeconds: 2, cpuSeconds: 8 },
  ]),
  rival: { name: "ssh", ...costSample([{ wallSeconds: 2, cpuSeconds: 1 }]) },
  target: { of: "ratio", most: 1.5 },
};
const bytes: Figure = {
  ...{ section: "scale", what: "state", unit: "bytes" },
  ...{ ours: sampleOf([7704]), target: { of: "value", most: 8000 } },
};

describe("the bench's figures", () => {
  it("are medians of wall and of CPU seconds, each by itself", () => {
    assert.deepEqual(up.ours, { median: 3, least: 2, most: 9, cpuSeconds: 4 });
    assert.equal(sampleOf([1, 2, 3, 10]).median, 2.5);
  });

  it("meet a target of a ratio in wall and CPU seconds, of a time in wall seconds only", () => {
    const met = (of: "ratio" | "time", most: number) => isMet({ ...up, target: { of, most } });
    assert.deepEqual([met("time", 1.5), met("time", 1.4)], [true, false]);
    assert.deepEqual([met("ratio", 1.5), met("ratio", 4)], [false, true]);
  });

  it("meet no target beside a rival that was not measured", () => {
    const { section, what, unit, ours } = up;
    assert.equal(isMet({ section, what, unit, ours, target: { of: "ratio", most: 1 } }), null);
    assert.equal(isMet({ ...bytes, target: { of: "value", most: 7000 } }), false);
  });
});

describe("the bench's table", () => {
  it("shows wall and CPU seconds, the rival beside them, and the target", () => {
    const lines = squeezed(formatTable([up, bytes])).split("\n");
    assert.deepEqual(lines.slice(2), [
      "| `up` | 3 s (4) | ssh: 2 s (1) | 1.50 (4.00) | ≤ 1.5 × **missed** |",
      "| state | 7,704 bytes | | | ≤ 8,000 met |",
    ]);
  });

  it("names the machine, the date and the targets that were missed", () => {
    const text = formatReport({ machine: MACHINE, runs: 5, figures: [up, bytes] });
    assert.ok(
      text.includes(
        "In brackets: CPU seconds. 2026-11-29, 2 × CPU, Linux 6.1, kernel WireGuard, Node 24.1.0, Pulumi 3.276.0; load average before: 0.3; medians of 5.\n1 of 2 targets was missed.",
      ),
      text,
    );
  });
});

describe("the figures in README", () => {
  it("are the headlines, without targets, with the machine and the date", () => {
    const figures = [{ ...up, headline: true as const }, bytes];
    assert.deepEqual(squeezed(formatShort({ machine: MACHINE, runs: 5, figures })).split("\n"), [
      "| | wireguard-mesh | beside it | ratio |",
      "| :--- | -------------: | -----------: | ----------: |",
      "| `up` | 3 s (4) | ssh: 2 s (1) | 1.50 (4.00) |",
      "",
      "In brackets: CPU seconds. 2026-11-29, 2 × CPU, Linux 6.1, kernel WireGuard, Node 24.1.0, Pulumi 3.276.0; load average before: 0.3; medians of 5.",
    ]);
  });
});

describe("the figures of pushes", () => {
  /** For ten hosts. */
  function measured(wallSeconds: number, operator: number, logins: number): Measurement {
    const cpuSeconds = { operator, script: 1, sshd: 0.5, tunnels: 0.1 };
    return { wallSeconds, cpuSeconds, otherLoad: 0, logins, processes: 1200 };
  }
  const row = (name: string, one: Measurement): Row => ({ name, rounds: [one], median: one });
  const rows = {
    programs: row("push", measured(10, 2, 20)),
    up: row("up", measured(12, 4, 20)),
    ssh: row("ssh", measured(10, 1, 20)),
    ansible: { name: "Ansible", notMeasured: "no PyPI", rounds: [], median: null },
  };
  const figures = figuresOf({ rows, changedHosts: 10 });
  const text = squeezed(formatTable(figures));

  it("compare times with ssh, and each push with its own", () => {
    const lines = [
      "| change on 10 hosts: `pulumi up` | 12 s (4) | ssh: 10 s (1) | 1.20 (4.00) | ≤ 1.3 × met |",
      "| operator, a push | 0.4 CPU s | ssh: 0.1 CPU s | 4.00 | ≤ 0.2 **missed** |",
      "| logins, a push | 2 logins | ssh: 2 logins | 1.00 | ≤ 2 met |",
    ];
    for (const line of lines) assert.ok(text.includes(line), text);
  });

  it("say why Ansible was not measured", () => {
    assert.match(text, /Ansible was not measured: no PyPI \| \| ≤ 0.5 × \|/);
  });
});
