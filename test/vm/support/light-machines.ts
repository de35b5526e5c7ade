/** Virtual machines for tests with many boots: set up for pushes, whose boots take less time than with cloud-init. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import type { Lab } from "../../../scripts/lab/lab";
import { findOrBuildImage } from "../../../scripts/lab/vm/image";
import { Machine } from "../../../scripts/lab/vm/machine";
import { progress } from "./ec2-network";
import { ELASTIC, runOn, startMachine } from "./machine-in-lab";

const PRIVATE = "172.31.0.10/20";
const SECOND_ELASTIC = "203.0.113.61";
const OFF_LIMIT_MS = 120_000;

export interface LightMachine {
  machine: Machine;
  elastic: string;
  /** `TYPE BASE64` */
  hostKey: string;
}

/**
 * Units that these machines do not need, in addition to those that scripts/lab/vm/customize.sh masks. The disk, its file
 * system, the journal, systemd's order and the project's own units are unchanged.
 */
const UNNEEDED = ["systemd-resolved.service", "systemd-networkd-wait-online.service"];

/** The network settings of the first boot, without cloud-init and for any card, so that a copy of the disk works. */
const CARD = `[Match]
Driver=virtio_net
[Network]
Address=${PRIVATE}
Gateway=172.31.0.1
`;

const INSTALL =
  "sudo sh -c 'apt-get -qq update && apt-get -qq -y install wireguard-tools' >/dev/null";

/** Creates two machines in a new lab, both off: one that has completed its first boot, and one with a copy of its disk. */
export async function lightMachines(id: string): Promise<{ lab: Lab; both: LightMachine[] }> {
  const { lab, machine, hostKey } = await startMachine(id);
  progress("the first boot");
  await machine.waitForSsh();
  assert.deepEqual(await machine.waitForCloudInit(), []);
  progress("installing the tools and masking units");
  await runOn(machine, INSTALL);
  await runOn(machine, "sudo tee /etc/systemd/network/10-card.network >/dev/null", CARD);
  await runOn(machine, "sudo touch /etc/cloud/cloud-init.disabled && sudo rm /etc/netplan/*");
  // Until now it was enabled by netplan.
  await runOn(machine, "sudo systemctl -q enable systemd-networkd");
  await runOn(machine, `sudo systemctl mask ${UNNEEDED.join(" ")} 2>/dev/null`);
  assert.equal(await machine.shutDown(OFF_LIMIT_MS), true, "it did not shut down by itself");
  const second = await Machine.create(lab, {
    ...{ name: "osaka", image: await findOrBuildImage(() => undefined), userData: "" },
    ...{ privateAddress: PRIVATE, elastic: SECOND_ELASTIC, login: { user: "admin", hostKey } },
  });
  fs.copyFileSync(machine.files.disk, second.files.disk);
  const both = [
    { machine, elastic: ELASTIC, hostKey },
    { machine: second, elastic: SECOND_ELASTIC, hostKey },
  ];
  return { lab, both };
}
