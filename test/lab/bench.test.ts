/** The bench, small: counts, and ratios of CPU time, which hold on a busy machine too. Needs root. */
import * as assert from "node:assert/strict";
import { measurePushes, type PushTable } from "../../scripts/bench/pushes";
import { findings, type Findings } from "../../scripts/bench/scale";

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

/** The operator's CPU time without a change, as a multiple of an empty program's; measured: 1.45. */
const NO_CHANGE_CPU = 2;
/** And with a peer added, as a multiple of none; measured: 1.4. */
const ADD_CPU = 2;

describe("the bench of a network with devices", function () {
  this.timeout(300_000);
  const size = { hosts: 2, peers: 20 };
  let found: Findings;
  before(async () => {
    found = await findings({ ...size, runs: 1, id: "bench-scale" });
  });

  for (const command of ["up", "preview"] as const) {
    it(`${command} without a change: no login, and at most ${NO_CHANGE_CPU} times an empty program`, () => {
      const [one, empty] = [found.costs[command][0], found.costs.empty[0]];
      assert.equal(one?.logins, 0);
      const ratio = (one.cpuSeconds.operator || NaN) / (empty?.cpuSeconds.operator ?? NaN);
      assert.ok(ratio <= NO_CHANGE_CPU, `${ratio}`);
    });
  }

  it(`one peer added: two logins to it and to its relay, and at most ${ADD_CPU} times no change`, () => {
    const [add, none] = [found.costs.add[0], found.costs.up[0]];
    assert.deepEqual([found.touched, add?.logins], [[2], 4]);
    const ratio = (add?.cpuSeconds.operator ?? NaN) / (none?.cpuSeconds.operator ?? NaN);
    assert.ok(ratio <= ADD_CPU, `${ratio}`);
  });

  it("one peer added: a preview that fits a screen", () => {
    assert.ok(found.lines > 3 && found.lines <= 24, `${found.lines} lines`);
  });

  it("status: one login to each host", () => {
    assert.equal(found.costs.status[0]?.logins, size.hosts + 1);
  });

  it("state: two resources for a pushed node and one for a device, beside the stack, the network and the provider", () => {
    assert.equal(found.state.resources, 2 * (size.hosts + 1) + (size.peers - size.hosts) + 3);
  });

  it("state: at most 6 KB and 8 times its config for a pushed node, 1,500 bytes for a device", () => {
    const { beyondConfig, eachDevice } = found.state;
    assert.ok(beyondConfig <= 6 * 1024, `${beyondConfig}`);
    assert.ok(eachDevice <= 1500, `${eachDevice}`);
  });
});
