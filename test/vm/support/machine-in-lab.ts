/** Labs with two hosts and virtual machines with a login user and a host key, with cloud-init as on EC2 or without. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { stringify } from "yaml";
import { Lab } from "../../../scripts/lab/lab";
import { runOrThrow } from "../../../scripts/lab/process";
import { findOrBuildImage } from "../../../scripts/lab/vm/image";
import { Machine } from "../../../scripts/lab/vm/machine";
import { subnetGateway } from "../../../scripts/lab/vm/subnet";

export const ELASTIC = "203.0.113.60";
const PRIVATE = "172.31.0.10/20";
const HOSTS = { desktop: { public: "203.0.113.21" }, laptop: { public: "203.0.113.22" } };

export interface MachineInLab {
  lab: Lab;
  machine: Machine;
  /** The host key in its user data, as `TYPE BASE64`. */
  hostKey: string;
}

type UserData = (authorizedKey: string, hostKey: HostKey, name: string) => string;

/** By default cloud-init sets the machine up; boots take half the time with `setUpScript`. Resolves while it is still booting. */
export async function startMachine(
  id: string,
  userData: UserData = cloudConfig,
): Promise<MachineInLab> {
  const { lab, add } = await labForMachines(id);
  const one = await add({ name: "tokyo", elastic: ELASTIC, userData });
  return { lab, ...one };
}

interface NewMachine {
  name: string;
  elastic: string;
  userData: UserData;
}

type Added = Omit<MachineInLab, "lab">;

/** A lab to which machines are added; each is started. */
export async function labForMachines(
  id: string,
): Promise<{ lab: Lab; add: (machine: NewMachine) => Promise<Added> }> {
  const image = await findOrBuildImage((line) => process.stderr.write(`    ${line}\n`));
  const lab = await Lab.up({ hosts: HOSTS }, { id });
  const authorized = fs.readFileSync(`${lab.folder.sshKey}.pub`, "utf8").trim();
  const add = async ({ name, elastic, userData }: NewMachine): Promise<Added> => {
    const key = await makeHostKey(path.join(lab.folder.root, `bootstrap-${name}`));
    const machine = await Machine.create(lab, {
      ...{ name, image, elastic, privateAddress: PRIVATE },
      userData: userData(authorized, key, name),
      login: { user: "admin", hostKey: key.publicKey },
      keepsConnection: true,
    });
    await machine.start();
    return { machine, hostKey: key.publicKey };
  };
  return { lab, add };
}

/** Runs a command on a machine and asserts success. @returns its stdout without trailing newlines */
export async function runOn(machine: Machine, command: string, input = ""): Promise<string> {
  const { code, stdout, stderr } = await machine.ssh(command, { input });
  assert.equal(code, 0, `${command}: ${stderr}`);
  return stdout.trimEnd();
}

/** Waits for a shell condition by a loop on the machine: a login for each look would slow down what it waits for. */
export async function waitOn(machine: Machine, condition: string, seconds: number): Promise<void> {
  const loop = `until ${condition} 2>/dev/null; do sleep 1; done`;
  const wait = `sudo timeout ${seconds} sh -c '${loop}'`;
  const { code, stdout } = await machine.ssh(wait, { timeoutMs: (seconds + 60) * 1000 });
  const printed = stdout.trimEnd().split("\n").slice(-5).join("\n");
  assert.equal(code, 0, `not within ${seconds} s: ${condition}; it last printed:\n${printed}`);
}

export interface HostKey {
  privateKey: string;
  /** `TYPE BASE64` */
  publicKey: string;
}

export async function makeHostKey(file: string): Promise<HostKey> {
  await runOrThrow(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
  const [type = "", base64 = ""] = fs.readFileSync(`${file}.pub`, "utf8").trim().split(" ");
  return { privateKey: fs.readFileSync(file, "utf8"), publicKey: `${type} ${base64}` };
}

function cloudConfig(authorizedKey: string, hostKey: HostKey): string {
  const admin = {
    ...{ name: "admin", sudo: "ALL=(ALL) NOPASSWD:ALL", shell: "/bin/bash", lock_passwd: true },
    ssh_authorized_keys: [authorizedKey],
  };
  const keys = { ed25519_private: hostKey.privateKey, ed25519_public: hostKey.publicKey };
  const config = { users: [admin], ssh_deletekeys: true, ssh_genkeytypes: [], ssh_keys: keys };
  return `#cloud-config\n${stringify(config, { lineWidth: 0 })}`;
}

/** Does what cloud-init does with `cloudConfig` and the seed's network. */
export function setUpScript(authorizedKey: string, hostKey: HostKey, name: string): string {
  return `#!/bin/sh
echo ${name} >/etc/hostname
hostname ${name}
printf '127.0.0.1 localhost\\n127.0.1.1 ${name}\\n' >/etc/hosts
cat >/etc/systemd/network/10-card.network <<'EOF'
[Match]
Driver=virtio_net
[Network]
Address=${PRIVATE}
Gateway=${subnetGateway(PRIVATE)}
EOF
useradd --create-home --shell /bin/bash admin
echo 'admin ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/admin
install -d -m 700 -o admin -g admin /home/admin/.ssh
echo '${authorizedKey}' >/home/admin/.ssh/authorized_keys
chown admin: /home/admin/.ssh/authorized_keys
umask 077
cat >/etc/ssh/ssh_host_ed25519_key <<'EOF'
${hostKey.privateKey.trim()}
EOF
# A power cut soon after must not leave half a key.
sync
`;
}
