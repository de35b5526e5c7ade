/** Two virtual machines for tests with many boots, set up for pushes. */
import type { Lab } from "../../../scripts/lab/lab";
import type { Machine } from "../../../scripts/lab/vm/machine";
import { progress } from "./ec2-network";
import { ELASTIC, labForMachines, runOn, setUpScript } from "./machine-in-lab";

export interface LightMachine {
  machine: Machine;
  elastic: string;
  /** `TYPE BASE64` */
  hostKey: string;
}

/** The disk, its file system, the journal, systemd's order and the project's own units are as on any machine. */
const PREPARE = [
  "apt-get -qq update && apt-get -qq -y install wireguard-tools >/dev/null",
  // From the next boot. Without these units a boot, and each login of a push, takes less time.
  "systemctl --quiet mask systemd-resolved systemd-logind dbus.service dbus.socket",
  "sync",
].join(" && ");

/** Creates two machines in a new lab, both on. */
export async function lightMachines(id: string): Promise<{ lab: Lab; both: LightMachine[] }> {
  const { lab, add } = await labForMachines(id);
  const prepared = async (name: string, elastic: string): Promise<LightMachine> => {
    const one = await add({ name, elastic, userData: setUpScript });
    await one.machine.waitForSsh();
    progress(`${name}: installing the tools`);
    await runOn(one.machine, `sudo sh -c '${PREPARE}'`);
    return { ...one, elastic };
  };
  const both = await Promise.all([prepared("tokyo", ELASTIC), prepared("osaka", "203.0.113.61")]);
  return { lab, both };
}
