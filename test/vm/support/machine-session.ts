/** Talks with a virtual machine by the push protocol, over SSH and with sudo: each method is one login. */
import type { Observation } from "../../../mesh/host/observation";
import type { PushRequest } from "../../../mesh/push-request";
import type { Machine } from "../../../scripts/lab/vm/machine";
import { newToken } from "../../../scripts/push/conversation";
import { HostDialogue, type HostReply } from "../../lab/support/host-dialogue";

/** The ownership fields. */
export const MARKS = { interface: "wg0", owner: "wireguard-mesh/vm", machine: "vm" };

export interface WantedState {
  /** The wg-quick file. */
  config: string;
  forwarding: boolean;
  /** Seconds until the host undoes the change by itself; default never. */
  timeout?: number;
}

const SHELL = "exec sudo -n sh -s";
/** SysRq b: reboots at once, without sync or unmount. */
const CRASH_AFTER = `exec sudo -n sh -c 'sh -s && echo b >/proc/sysrq-trigger'`;

export class MachineSession {
  private command = SHELL;
  private readonly dialogue: HostDialogue;

  constructor(private readonly machine: Machine) {
    this.dialogue = new HostDialogue(
      machine.name,
      () => machine.spawn(this.command),
      () => undefined,
    );
  }

  async apply(wanted: WantedState, token = newToken()): Promise<HostReply> {
    const lock = await this.machine.ssh("sudo head -n 1 /run/wireguard-mesh.lock/wg0");
    const options = { token, lastChange: lock.stdout.trim() || "-", undoAfterS: wanted.timeout };
    return this.dialogue.apply(this.request(wanted), options);
  }

  confirm(token: string): Promise<HostReply> {
    return this.dialogue.confirm("wg0", token);
  }

  /** Confirms and crashes the machine right after the reply, without a sync. */
  async confirmAndCrash(token: string): Promise<void> {
    this.command = CRASH_AFTER;
    // The machine has crashed, so the login hangs until its time is up.
    await this.confirm(token);
    this.command = SHELL;
  }

  observe(wanted?: WantedState): Promise<Observation> {
    return this.dialogue.observe("wg0", wanted === undefined ? null : this.request(wanted));
  }

  async remove(): Promise<HostReply> {
    const lock = await this.machine.ssh("sudo head -n 1 /run/wireguard-mesh.lock/wg0");
    const request = this.request({ config: "", forwarding: false });
    return this.dialogue.remove(request, lock.stdout.trim() || "-");
  }

  private request({ config, forwarding }: WantedState): PushRequest {
    return {
      ...MARKS,
      ...{ version: 1, node: this.machine.name, targets: [], sshPrivateKey: null, config },
      ...{ forwarding: { ipv4: forwarding, ipv6: false }, probes: [] },
      ...{ identity: null, rotation: null },
    };
  }
}
