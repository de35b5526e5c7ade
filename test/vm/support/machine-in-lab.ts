/** A lab with two hosts and a virtual machine that is set up like an EC2 relay at its first boot. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { stringify } from "yaml";
import { Lab } from "../../../scripts/lab/lab";
import { runOrThrow } from "../../../scripts/lab/process";
import { findOrBuildImage } from "../../../scripts/lab/vm/image";
import { Machine } from "../../../scripts/lab/vm/machine";

export const ELASTIC = "203.0.113.60";

export interface MachineInLab {
  lab: Lab;
  machine: Machine;
  /** The host key in its user data, as `TYPE BASE64`. */
  hostKey: string;
}

/** Resolves while the machine is still booting. */
export async function startMachine(id: string): Promise<MachineInLab> {
  const image = await findOrBuildImage((line) => process.stderr.write(`    ${line}\n`));
  const hosts = { desktop: { public: "203.0.113.21" }, laptop: { public: "203.0.113.22" } };
  const lab = await Lab.up({ hosts }, { id });
  const key = await makeHostKey(path.join(lab.folder.root, "bootstrap"));
  const authorized = fs.readFileSync(`${lab.folder.sshKey}.pub`, "utf8").trim();
  const machine = await Machine.create(lab, {
    name: "tokyo",
    image,
    userData: userData(authorized, key),
    privateAddress: "172.31.0.10/20",
    elastic: ELASTIC,
    login: { user: "admin", hostKey: key.publicKey },
  });
  await machine.start();
  return { lab, machine, hostKey: key.publicKey };
}

/** Runs a command on a machine and asserts success. @returns its stdout without trailing newlines */
export async function runOn(machine: Machine, command: string, input = ""): Promise<string> {
  const { code, stdout, stderr } = await machine.ssh(command, { input });
  assert.equal(code, 0, `${command}: ${stderr}`);
  return stdout.trimEnd();
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

function userData(authorizedKey: string, hostKey: HostKey): string {
  const admin = {
    ...{ name: "admin", sudo: "ALL=(ALL) NOPASSWD:ALL", shell: "/bin/bash", lock_passwd: true },
    ssh_authorized_keys: [authorizedKey],
  };
  const keys = { ed25519_private: hostKey.privateKey, ed25519_public: hostKey.publicKey };
  const config = { users: [admin], ssh_deletekeys: true, ssh_genkeytypes: [], ssh_keys: keys };
  return `#cloud-config\n${stringify(config, { lineWidth: 0 })}`;
}
