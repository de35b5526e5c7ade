/** How to log in to a node's machine, with the accepted host keys of every hop. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { Host, Node } from "../config/config";
import { instancePlaceholder } from "../placeholders";
import type { HostTarget, SshAuthority, SshHop } from "../push-request";
import { principalOf } from "../ssh-identity";
import { jumpRelays } from "./jump-relays";
import type { NodePlan, Plan } from "./plan";

/**
 * The login targets in the order of `host`; empty for a node without a host. `authorityKey` is the public key of the stack's
 * SSH authority, which signs the host keys of ec2 relays; null in a stack without one.
 */
export function hostTargets(node: NodePlan, plan: Plan, authorityKey: string | null): HostTarget[] {
  return node.hosts.map((host): HostTarget => {
    switch (host.kind) {
      case "local":
        return { kind: "local" };
      case "ssh":
        return { kind: "ssh", hop: hopOf(node, host, authorityKey), via: [] };
      case "via":
        return {
          kind: "ssh",
          hop: tunnelHop(node, host.user, authorityKey),
          via: [jumpHop(host.relay, plan, authorityKey)],
        };
    }
  });
}

/** For a host that is reached only through the tunnel: relays that could be a jump host, but are not configured as one. */
export function otherJumps(node: NodePlan, plan: Plan, authorityKey: string | null): SshHop[] {
  const own = jumpRelays(node);
  if (own.length === 0) return [];
  return plan.nodes
    .filter(({ kind, name }) => kind === "relay" && name !== node.name && !own.includes(name))
    .filter(({ hosts }) => hosts.some((host) => host.kind === "ssh"))
    .map(({ name }) => jumpHop(name, plan, authorityKey));
}

/** Identifies a node's machine by its host keys or its instance; checked before a removal. */
export function machineId(node: Node): string {
  if (node.ec2 !== null) return instancePlaceholder(node.name);
  if (node.hosts.some((host) => host.kind === "local")) return `local:${node.name}`;
  return bytesToHex(sha256(new TextEncoder().encode([...node.hostKeys].sort().join("\n"))));
}

function hopOf(
  node: Node,
  host: Extract<Host, { kind: "ssh" }>,
  authorityKey: string | null,
): SshHop {
  const { user, address, port } = host;
  const authority = node.ec2 === null ? null : authorityFor(node, authorityKey);
  const hop = { user, address, port, hostKeys: node.hostKeys };
  return authority === null
    ? { ...hop, authority, pinnedAt: pinnedAt(node) }
    : { ...hop, authority };
}

const pinnedAt = ({ kind, name }: Node): string => `${kind}s.${name}.hostKey`;

/** The principal contains the instance ID, so that a certificate of an earlier instance is rejected. */
function authorityFor({ name }: Node, publicKey: string | null): SshAuthority {
  if (publicKey === null) throw new Error(`no SSH authority for ${name}`);
  return { publicKey, principal: principalOf(instancePlaceholder(name)) };
}

/** The machine by its address in the tunnel, where its sshd listens on the usual port. */
export function tunnelHop(node: Node, user: string, authorityKey: string | null): SshHop {
  return hopOf(node, { kind: "ssh", user, address: node.address.text, port: 22 }, authorityKey);
}

/** The relay as a jump, by its first SSH address. */
export function jumpHop(relayName: string, plan: Plan, authorityKey: string | null): SshHop {
  const relay = plan.nodes.find((node) => node.name === relayName);
  const direct = relay?.hosts.find((host) => host.kind === "ssh");
  if (relay === undefined || direct === undefined)
    throw new Error(`relay ${relayName} was not validated`);
  return hopOf(relay, direct, authorityKey);
}
