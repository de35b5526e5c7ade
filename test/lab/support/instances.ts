/** Hosts of the lab as EC2 instances come up: known by the key that user data brought, and let in by the lab's SSH key. */
import * as assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { HostTarget, PushRequest, SshHop } from "../../../mesh/push-request";
import { Secret } from "../../../mesh/secret";
import { authorityOf, bootstrapKeyOf, principalOf } from "../../../mesh/ssh-identity";
import type { Lab } from "../../../scripts/lab/lab";
import { requestFor } from "./pushing";

export const SEED = Secret.of(randomBytes(32).toString("base64"));
export const AUTHORITY = authorityOf(SEED);

export const OWN_KEY = "/etc/ssh/wireguard_mesh_host_key";
export const DROP_IN = "/etc/ssh/sshd_config.d/40-wireguard-mesh.conf";

export function firstKeyOf(node: string): ReturnType<typeof bootstrapKeyOf> {
  return bootstrapKeyOf(SEED, `${node}-instance`);
}

/** A machine that the stack's authority vouches for. */
export function vouchedHop(address: string, instance: string): SshHop {
  const authority = { publicKey: AUTHORITY.publicKey, principal: principalOf(instance) };
  return { user: "root", address, port: 22, hostKeys: [], authority };
}

export function vouched(address: string, instance: string): HostTarget {
  return { kind: "ssh", hop: vouchedHop(address, instance), via: [] };
}

/** What the engine sends to a node on an instance. */
export function requestForInstance(
  lab: Lab,
  node: string,
  target: HostTarget,
  change: Partial<PushRequest> = {},
): PushRequest {
  const identity = {
    authorityKey: AUTHORITY.privateKey.reveal(),
    bootstrapHostKey: firstKeyOf(node).publicKey,
  };
  return requestFor(lab, node, { targets: [target], machine: `i-${node}`, identity, ...change });
}

/**
 * As after its very first boot: sshd with the defaults of Debian, the first key of this name and, as images have them, a
 * key of another type. `firstKey` is an OpenSSH private key text.
 */
export async function asInstance(lab: Lab, node: string, firstKey: string): Promise<void> {
  const script = `set -eu
    rm -rf /etc/ssh/ssh_host_* ${OWN_KEY}* /etc/ssh/sshd_config.d
    mkdir /etc/ssh/sshd_config.d
    umask 077
    cat >/etc/ssh/ssh_host_ed25519_key
    ssh-keygen -y -f /etc/ssh/ssh_host_ed25519_key >/etc/ssh/ssh_host_ed25519_key.pub
    ssh-keygen -q -t ecdsa -N '' -f /etc/ssh/ssh_host_ecdsa_key
    { echo 'Include /etc/ssh/sshd_config.d/*.conf'
      grep -v -e ^HostKey -e ^Include /etc/ssh/sshd_config; } >/etc/ssh/sshd_config.new
    mv /etc/ssh/sshd_config.new /etc/ssh/sshd_config
    kill -HUP 1`;
  const done = await lab.exec(node, ["sh", "-c", script], { input: firstKey });
  assert.equal(done.code, 0, done.stderr);
}

/** The host keys that sshd shows to whoever asks, as `TYPE BASE64`, sorted. */
export async function shownKeys(lab: Lab, address: string): Promise<string[]> {
  const scan = await lab.exec("operator", ["ssh-keyscan", "-T", "5", address]);
  const keys = scan.stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return keys.map((line) => line.split(" ").slice(1, 3).join(" ")).sort();
}

export async function ownKey(lab: Lab, node: string): Promise<string> {
  const made = await lab.exec(node, ["ssh-keygen", "-y", "-f", OWN_KEY]);
  return made.stdout.trim().split(" ").slice(0, 2).join(" ");
}
