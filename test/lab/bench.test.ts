/** The bench, small: counts and ratios of a changed push, which hold on a busy machine too. Needs root. */
import * as assert from "node:assert/strict";
import { measurePushes, type PushTable } from "../../scripts/bench/pushes";

// Multiples of CPU time leave half as much again for a busy machine; counts do not depend on it.
/** The operator's CPU time, as a multiple of what two logins by ssh cost it; measured: 2.0. */
const OPERATOR_CPU = 3;
/** The host script's CPU time, as a multiple of what its two logins cost sshd; measured: 1.8. */
const SCRIPT_CPU = 2.7;
/** Processes on a host, with the forks of sshd and of shells; measured: 137. push-cost.test.ts counts programs. */
const PROCESSES = 140;

describe("the bench of pushes, with three hosts", function () {
  this.timeout(300_000);
  let table: PushTable;
  before(async () => {
    table = await measurePushes({ hosts: 3, rounds: 1, id: "bench-test", withAnsible: false });
  });

  for (const contender of ["programs", "up", "ssh"] as const) {
    it(`${contender}: changes each host with two logins`, () => {
      const { median } = table.rows[contender];
      assert.equal(median?.logins, 2 * table.changedHosts);
    });
  }

  for (const contender of ["programs", "up"] as const) {
    it(`${contender}: starts at most ${PROCESSES} processes on a host`, () => {
      const { median } = table.rows[contender];
      assert.ok(median !== null && median.processes > 0);
      const each = median.processes / table.changedHosts;
      assert.ok(each <= PROCESSES, `${each}`);
    });

    it(`${contender}: costs a host at most ${SCRIPT_CPU} times what its sshd costs`, () => {
      const { script = NaN, sshd = NaN } = table.rows[contender].median?.cpuSeconds ?? {};
      assert.ok(script / sshd <= SCRIPT_CPU, `${script / sshd}`);
    });
  }

  it(`programs: costs the operator at most ${OPERATOR_CPU} times what two logins by ssh cost`, () => {
    const { programs, ssh } = table.rows;
    const ratio =
      (programs.median?.cpuSeconds.operator ?? NaN) / (ssh.median?.cpuSeconds.operator ?? NaN);
    assert.ok(ratio <= OPERATOR_CPU, `${ratio}`);
  });

  it("says that Ansible was not measured", () => {
    const { median, notMeasured } = table.rows.ansible;
    assert.deepEqual({ median, notMeasured }, { median: null, notMeasured: "left out" });
  });
});
