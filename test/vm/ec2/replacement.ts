/** Replacing the relay's instance without a change on the peers. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import { poll } from "../../../scripts/poll";
import { principalOf } from "../../../mesh/ssh-identity";
import { namespaceIdentity, processesIn } from "../../../scripts/lab/clean-up";
import { namespaceOf, OPERATOR } from "../../../scripts/lab/layout";
import { machineFiles, machineNamespace } from "../../../scripts/lab/vm/files";
import { Machine } from "../../../scripts/lab/vm/machine";
import { isOn } from "../../../scripts/lab/vm/qemu";
import type { Ec2Fixture } from "../ec2.test";
import { progress, TUNNEL } from "../support/ec2-network";
import { reconnectionDuring } from "../support/reconnection";
import { UP_PLAIN } from "./changes";

/** After the push to the relay. */
const BACK_WITHIN_S = 5;
const BOOT_LIMIT_MS = 600_000;

/** Kills the engine of this lab, even if a wrapper started it. */
function killEngines(labId: string): void {
  const operator = namespaceIdentity(`/run/netns/${namespaceOf(labId, OPERATOR)}`);
  assert.ok(operator);
  const nameOf = (pid: number) => fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  const engines = processesIn(new Set([operator])).filter((pid) => nameOf(pid) === "pulumi");
  assert.notEqual(engines.length, 0, "no engine was running");
  for (const pid of engines) process.kill(pid, "SIGKILL");
}

export function replacement(fixture: Ec2Fixture): void {
  it("is replaced by a newer image on request: same address and key, peers reconnect at once unchanged", async () => {
    const { network } = fixture;
    const before = await unchangedFacts();
    const [previous = ""] = network.instances;
    network.setRelay("imageGeneration", 2);
    const pings = { from: "laptop", to: TUNNEL.tokyo, push: "tokyo-push-command" };
    const result = await reconnectionDuring(network, UP_PLAIN, pings);
    assert.equal(result.code, 0, result.output);
    assert.notEqual(network.instances[0], previous);
    assert.deepEqual(await unchangedFacts(), before);
    assertEnded(previous);
    await network.assertWorks(BACK_WITHIN_S * 1000);
    assert.ok(result.afterPush <= BACK_WITHIN_S, `back after ${result.afterPush} s`);
  });

  it("is replaced with --replace: if the engine is killed after the machine got its key, the next up succeeds", async () => {
    const { network } = fixture;
    const before = await unchangedFacts();
    const [previous = ""] = network.instances;
    const { stdout } = await network.mustPulumi("stack", "--show-urns");
    const urn = /URN: (\S+aws:ec2\/instance:Instance::\S+)/.exec(stdout)?.[1] ?? "";
    assert.notEqual(urn, "");
    const argv = ["pulumi", ...UP_PLAIN, "--non-interactive", "--replace", urn];
    const engine = network.lab.spawn("operator", argv, { stdio: "ignore" });
    const ended = new Promise((resolve) => engine.once("exit", resolve));
    const authority = await network.authority();
    const identified = await poll(
      async () => ((await showsCertificate(previous, authority)) ? true : undefined),
      { limitMs: BOOT_LIMIT_MS, pauseMs: 300 },
    );
    killEngines(network.lab.id);
    await ended;
    assert.equal(identified, true, "the machine never showed its certificate");
    progress(
      "the engine is killed: the machine has its own key, and the engine has not recorded it",
    );
    // The file backend requires this after a kill.
    await network.pulumi("cancel", "--yes");
    await network.up();
    assert.deepEqual(await unchangedFacts(), before);
    assertEnded(previous);
    await network.assertWorks();
  });

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
