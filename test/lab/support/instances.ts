/** Sets up the lab's hosts like new EC2 instances: with the host key from user data, and the lab's SSH key for login. */
import * as assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { HostTarget, PushRequest, SshHop } from "../../../mesh/push-request";
import { Secret } from "../../../mesh/secret";
import { authorityOf, bootstrapKeyOf, principalOf } from "../../../mesh/ssh-identity";
import type { Lab } from "../../../scripts/lab/lab";
import { requestFor } from "./pushing";
import { waitForLog } from "./small-world";

export const AUTHORITY_SEED = Secret.of(randomBytes(32).toString("base64"));
export const AUTHORITY = authorityOf(AUTHORITY_SEED);

export const OWN_KEY = "/etc/ssh/wireguard_mesh_host_key";
export const DROP_IN = "/etc/ssh/sshd_config.d/40-wireguard-mesh.conf";

export function bootstrapKeyFor(node: string): ReturnType<typeof bootstrapKeyOf> {
  return bootstrapKeyOf(AUTHORITY_SEED, `${node}-instance`);
}

/** A hop that must show a certificate of the stack's SSH authority. */
export function authorityHop(address: string, instance: string): SshHop {
  const authority = { publicKey: AUTHORITY.publicKey, principal: principalOf(instance) };
  return { user: "root", address, port: 22, hostKeys: [], authority };
}

export function authorityTarget(address: string, instance: string): HostTarget {
  return { kind: "ssh", hop: authorityHop(address, instance), via: [] };
}

/** The push request for a node on an instance. */
export function requestForInstance(
  lab: Lab,
  node: string,
  target: HostTarget,
  change: Partial<PushRequest> = {},
): PushRequest {
  const identity = {
    authorityKey: AUTHORITY.privateKey.reveal(),
    bootstrapHostKey: bootstrapKeyFor(node).publicKey,
  };
  return requestFor(lab, node, { targets: [target], machine: `i-${node}`, identity, ...change });
}

/**
 * Sets a host up as after its first boot: sshd with Debian's defaults, the bootstrap key and, as in images, a key of
 * another type. `firstKey`: an OpenSSH private key.
 */
export async function setUpInstance(lab: Lab, node: string, firstKey: string): Promise<void> {
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
  const from = lab.sshLog(node).length;
  const done = await lab.exec(node, ["sh", "-c", script], { input: firstKey });
  assert.equal(done.code, 0, done.stderr);
  assert.ok(await waitForLog(lab, node, /Server listening/, from));
}

/** The host keys that ssh-keyscan finds, as `TYPE BASE64`, sorted. */
export async function scanHostKeys(lab: Lab, address: string): Promise<string[]> {
  const scan = await lab.exec("operator", ["ssh-keyscan", "-T", "5", address]);
  const keys = scan.stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return keys.map((line) => line.split(" ").slice(1, 3).join(" ")).sort();
}

export async function ownHostKey(lab: Lab, node: string): Promise<string> {
  const key = await lab.exec(node, ["ssh-keygen", "-y", "-f", OWN_KEY]);
  return key.stdout.trim().split(" ").slice(0, 2).join(" ");
}
