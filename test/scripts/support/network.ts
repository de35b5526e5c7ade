/** A small network for tests of the commands: a relay and a laptop that are pushed to, and a phone. */
import { nextFree, parsePrefix, type IpAddress } from "../../../mesh/addresses";
import { privateKeyFrom, publicKeyOf } from "../../../mesh/keys";
import { readMesh } from "../../../mesh/mesh";
import type { NodePlan, Plan } from "../../../mesh/plan/plan";
import { Secret } from "../../../mesh/secret";

export const HOST_KEY =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINbpIqqxCK6JlqBSHtKbTxD3SFUN1pscA4mVUTg2oEKE";

/** A private key for a name, the same in each run. */
export function privateKeyOf(name: string): Secret {
  return privateKeyFrom(new TextEncoder().encode(name.padEnd(32).slice(0, 32)));
}

export function keyOf(name: string): string {
  return publicKeyOf(privateKeyOf(name));
}

/** A stack file with comments. */
export const STACK_FILE = `# Test network
encryptionsalt: v1:salt
config:
  wireguard-mesh:network: { cidr: 10.86.0.0/24 }
  wireguard-mesh:relays:
    tokyo: # in Tokyo
      address: 10.86.0.1
      publicKey: ${keyOf("tokyo")}
      host: root@203.0.113.10
      hostKey: ${HOST_KEY}
  wireguard-mesh:peers:
    laptop:
      address: 10.86.0.2
      publicKey: ${keyOf("laptop")}
      host: local
    # Hanako's
    phone:
      address: 10.86.0.4
      publicKey: ${keyOf("phone")}
      enabled: true
  wireguard-mesh:privateKeys:
    tokyo:
      secure: v1:tokyo
    laptop:
      secure: v1:laptop
    phone:
      secure: v1:phone
`;

/** The same network with no host to log in to: its relay is dialled at an endpoint. */
export const WITHOUT_HOSTS = STACK_FILE.replace(
  /host: root@(.*)\n +hostKey: .*/,
  'endpoint: "$1:51820"',
).replace("      host: local\n", "");

/** The plan of a config without secrets; the private keys of all nodes are added, sealed. */
export function planWithKeys(config: {
  network?: object;
  relays?: object;
  peers: object;
  policy?: object;
  presharedKeySeed?: Secret;
}): Plan {
  const names = [...Object.keys(config.relays ?? {}), ...Object.keys(config.peers)];
  const privateKeys = Object.fromEntries(names.map((name) => [name, Secret.sealed()]));
  const { plan, issues } = readMesh({ ...config, privateKeys }, 0);
  if (plan === null) throw new Error(JSON.stringify(issues));
  return plan;
}

export function nodeOf(plan: Plan, name: string): NodePlan {
  const node = plan.nodes.find((candidate) => candidate.name === name);
  if (node === undefined) throw new Error(`no ${name}`);
  return node;
}

/** A peer or relay with the next address of 10.86.0.0/24; the first is 10.86.0.1. */
export function nodes(...names: string[]): (name: string, more?: object) => object {
  const given: IpAddress[] = [];
  const addresses = new Map(
    names.map((name) => {
      const address = nextFree(parsePrefix("10.86.0.0/24"), given);
      if (address === null) throw new Error("no free address");
      given.push(address);
      return [name, address.text];
    }),
  );
  return (name, more = {}) => ({ address: addresses.get(name), publicKey: keyOf(name), ...more });
}
