/** The bench's table and targets. */
import * as assert from "node:assert/strict";
import { formatReport, targetsOf } from "../../scripts/bench/report";
import type { Measurement, PushTable, Row } from "../../scripts/bench/pushes";

const MACHINE = { cores: 2, cpu: "CPU", kernel: "Linux 6.1", node: "24.1.0", load: 0.25 };

/** For ten hosts. */
function measured(wallSeconds: number, operator: number, script: number): Measurement {
  const cpuSeconds = { operator, script, sshd: 0.5, tunnels: 0.1 };
  return { wallSeconds, cpuSeconds, otherLoad: 0.123, logins: 20, processes: 1200 };
}

function row(name: string, ...rounds: [Measurement, ...Measurement[]]): Row {
  return { name, rounds, median: rounds[0] };
}

function table(change: Partial<PushTable["rows"]> = {}): PushTable {
  const rows = {
    programs: row("push", measured(16, 2, 1), measured(15, 2, 1), measured(18, 2, 1)),
    up: row("up", measured(20, 4, 3.5)),
    ssh: row("ssh", measured(10, 1, 0)),
    ansible: row("Ansible", measured(20, 2, 5)),
    ...change,
  };
  return { changedHosts: 10, rows };
}

const UNMEASURED: Row = { name: "Ansible", notMeasured: "no PyPI", rounds: [], median: null };

describe("the bench's report", () => {
  it("compares times with both rivals, and CPU seconds a push with their limits", () => {
    assert.deepEqual(
      targetsOf(table()).map(({ text, value, met }) => [text, value, met]),
      [
        ["push: time / ssh", 1.6, true],
        ["push: time / Ansible", 0.8, false],
        ["push: host script's CPU seconds a push", 0.1, true],
        ["push: operator's CPU seconds a push", 0.2, true],
        ["up: time / ssh", 2, false],
        ["up: time / Ansible", 1, false],
        ["up: host script's CPU seconds a push", 0.35, false],
        ["up: operator's CPU seconds a push", 0.4, false],
      ],
    );
  });

  it("has no target beside a rival that was not measured", () => {
    const texts = targetsOf(table({ ansible: UNMEASURED })).map(({ text }) => text);
    assert.equal(texts.filter((text) => text.includes("Ansible")).length, 0);
    assert.equal(texts.length, 6);
  });

  it("is a Markdown table with the figures for each host", () => {
    const lines = formatReport(table({ ansible: UNMEASURED }), MACHINE).split("\n");
    const rows = lines.filter((line) => line.startsWith("| "));
    assert.equal(rows.length, 6);
    assert.equal(
      rows[2],
      "| push | 16.00 | 15.00–18.00 | 1.60 |  | 0.200 | 0.100 | 0.050 | 0.010 | 12 % | 2.0 | 120 |",
    );
    assert.equal(rows[5], "| Ansible | not measured: no PyPI |");
    assert.ok(lines.includes("2 × CPU, Linux 6.1, Node 24.1.0; load before: 0.3"));
    assert.ok(lines.includes("- met: push: time / ssh: 1.60 (at most 1.6)"));
    assert.ok(lines.includes("- **missed**: up: time / ssh: 2.00 (at most 1.6)"));
  });
});
