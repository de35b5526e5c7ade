/** Replacing the relay's instance without a change on the peers. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import { poll } from "../../../scripts/poll";
import { principalOf } from "../../../mesh/ssh-identity";
import type { Lab } from "../../../scripts/lab/lab";
import { machineFiles, machineNamespace } from "../../../scripts/lab/vm/files";
import { Machine } from "../../../scripts/lab/vm/machine";
import { isOn } from "../../../scripts/lab/vm/qemu";
import type { Ec2Fixture } from "../ec2.test";
import { progress, TUNNEL } from "../support/ec2-network";
import { BUSY_FACTOR } from "../../support/time-limits";
import { engineProcesses, killAll } from "../../lab/support/engine-processes";
import { describeGaps, pingGapsDuring } from "../../lab/support/ping-gaps";
import { UP_PLAIN } from "./changes";

/** docs/ec2.md promises 2 s to pushed peers: the engine and two logins, on an idle machine. */
const SILENCE_MS = 2_000 * BUSY_FACTOR;
const BOOT_LIMIT_MS = 600_000;

/** Kills the engine of this lab, even if a wrapper started it. */
function killEngines(lab: Lab): void {
  const engines = engineProcesses(lab).filter(({ name }) => name === "pulumi");
  assert.notEqual(engines.length, 0, "no engine was running");
  killAll(engines);
}

export function replacement(fixture: Ec2Fixture): void {
  it("is replaced by a newer image on request, unnoticed: same address and key, unchanged configs", async () => {
    const { network } = fixture;
    const before = await unchangedFacts();
    const [previous = ""] = network.instances;
    network.setRelay("imageGeneration", 2);
    await unnoticed(async () => {
      await network.mustPulumi(...UP_PLAIN);
    });
    assert.notEqual(network.instances[0], previous);
    assert.deepEqual(await unchangedFacts(), before);
    assertEnded(previous);
    await assertNothingToDo();
  });

  it("is replaced with --replace, unnoticed again, although the engine is killed after the machine got its key", async () => {
    const { network } = fixture;
    const before = await unchangedFacts();
    const [previous = ""] = network.instances;
    const { stdout } = await network.mustPulumi("stack", "--show-urns");
    const urn = /URN: (\S+aws:ec2\/instance:Instance::\S+)/.exec(stdout)?.[1] ?? "";
    assert.notEqual(urn, "");
    const argv = ["pulumi", ...UP_PLAIN, "--non-interactive", "--replace", urn];
    const authority = await network.authority();
    await unnoticed(async () => {
      const engine = network.lab.spawn("operator", argv, { stdio: "ignore" });
      const ended = new Promise((resolve) => engine.once("exit", resolve));
      const identified = await poll(
        async () => ((await showsCertificate(previous, authority)) ? true : undefined),
        { limitMs: BOOT_LIMIT_MS, pauseMs: 300 },
      );
      killEngines(network.lab);
      await ended;
      assert.equal(identified, true, "the machine never showed its certificate");
      progress("the engine is killed: it has not recorded that the machine has its own key");
      // The file backend requires this after a kill.
      await network.pulumi("cancel", "--yes");
      await network.up();
    });
    assert.deepEqual(await unchangedFacts(), before);
    assertEnded(previous);
    await assertNothingToDo();
  });

  /** Runs `action` while both peers ping the relay, and each other through it. */
  async function unnoticed(action: () => Promise<void>): Promise<void> {
    const { lab } = fixture.network;
    const gaps = await pingGapsDuring(
      lab,
      [
        ["laptop", TUNNEL.tokyo],
        ["desktop", TUNNEL.laptop],
      ],
      action,
    ).catch(async (problem: unknown) => {
      progress(await tunnels());
      throw problem;
    });
    progress(describeGaps(gaps));
    for (const gap of gaps) assert.ok(gap.silentMs <= SILENCE_MS, describeGaps([gap]));
  }

  /** For a failure: what each end knows of the others. */
  async function tunnels(): Promise<string> {
    const { lab } = fixture.network;
    const show = "wg show wg0 dump | cut -f 1,3- | tail -n +2; ip route get 10.0.0.3 | head -n 1";
    const ends: string[] = [];
    for (const node of ["laptop", "desktop"])
      ends.push(node, (await lab.exec(node, ["sh", "-c", show])).stdout);
    return [...ends, "tokyo", await fixture.network.run(`sudo sh -c '${show}'`)].join("\n");
  }

  /** A preview has no change, although the address that the machine was pushed to does not exist any more. */
  async function assertNothingToDo(): Promise<void> {
    await fixture.network.mustPulumi("preview", "--diff", "--expect-no-changes");
  }

  /** Facts that a replacement must not change. */
  async function unchangedFacts() {
    const { network } = fixture;
    return {
      elastic: network.elastic,
      key: await network.run("sudo wg show wg0 public-key"),
      desktop: network.configOf("desktop"),
      laptop: network.configOf("laptop"),
    };
  }

  async function showsCertificate(previous: string, authority: string): Promise<boolean> {
    const { lab, instances } = fixture.network;
    const id = instances.find((one) => one !== previous);
    if (id === undefined || !fs.existsSync(machineFiles(lab.id, id).record)) return false;
    const machine = Machine.open(lab, id);
    if (!machine.hasAddress) return false;
    machine.expectAuthority(authority, principalOf(id));
    return (await machine.ssh("true", { timeoutMs: 10_000 })).code === 0;
  }

  function assertEnded(id: string): void {
    const { lab, account } = fixture.network;
    assert.equal(account.get(id), undefined);
    assert.equal(fs.existsSync(machineFiles(lab.id, id).root), false);
    assert.equal(isOn(machineNamespace(lab.id, id)), false);
  }
}
