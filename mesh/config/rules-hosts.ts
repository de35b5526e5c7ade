/** Rules about `host` and `hostKey`: how to log in to a machine and how it is identified. */
import { addressIn, contains } from "../addresses";
import type { Host } from "./config";
import { hostsOf, lansOf, listNames, type Draft, type NodeDraft, type Tunnels } from "./draft";
import { innerPrefixes } from "./inner-prefixes";
import { error, type Issue } from "./issue";
import { nearest } from "./shape-issues";

/** `tunnels` is null if the network's prefixes are invalid. */
export function hostIssues(draft: Draft, tunnels: Tunnels | null): Issue[] {
  const active = draft.nodes.filter((node) => node.active);
  const gateways = active.filter(({ fields: { subnets = [] } }) => subnets.length > 0);
  return [
    ...draft.nodes.flatMap(missingHostKey),
    ...draft.nodes.flatMap((node) => viaIssues(node, draft)),
    ...sameMachine(draft.nodes),
    ...active.flatMap((node) => hostInside(node, gateways, tunnels)),
  ];
}

function missingHostKey(node: NodeDraft): Issue[] {
  if (node.ec2 !== null) return [];
  const bySsh = hostsOf(node).some((host) => host.kind !== "local");
  if (!bySsh || node.fields.hostKey !== undefined) return [];
  return [
    error(
      `${node.path}.hostKey`,
      "is missing: without it any machine could pose as this host",
      "copy the machine's own line, from a session you trust: cat /etc/ssh/ssh_host_ed25519_key.pub",
    ),
  ];
}

function viaIssues(node: NodeDraft, { relays }: Draft): Issue[] {
  return hostsOf(node).flatMap((host) => {
    if (host.kind !== "via") return [];
    const path = `${node.path}.host`;
    const relay = relays.find((candidate) => candidate.name === host.relay);
    if (relay === undefined) return [unknownRelay(path, host.relay, relays)];
    if (relay.name === node.name) {
      return [error(path, "goes through itself", "use the machine's own address: user@address")];
    }
    if (!relay.active) {
      const remedy = `use another host, or correct enabled or expires of ${relay.path}`;
      const message = `goes through ${relay.name}, which is left out (disabled or expired)`;
      return [error(path, message, remedy)];
    }
    if (directHost(relay) !== undefined) return [];
    const remedy = `give ${relay.path} a host of the form user@address`;
    return [error(path, `goes through ${relay.name}, which has no SSH address of its own`, remedy)];
  });
}

/** The issue for a reference to a relay that does not exist; shared with the rule for `relay`. */
export function unknownRelay(path: string, name: string, relays: NodeDraft[]): Issue {
  const near = nearest(
    name,
    relays.map((relay) => relay.name),
  );
  const known = relays.length === 0 ? "this network has no relays" : `relays: ${listNames(relays)}`;
  return error(
    path,
    `there is no relay ${name}`,
    near === undefined ? known : `did you mean ${near}?`,
  );
}

/** The first host of a node that needs no jump. */
export function directHost(node: NodeDraft): Extract<Host, { kind: "ssh" }> | undefined {
  return hostsOf(node).find((host) => host.kind === "ssh");
}

/** Two nodes on one machine would overwrite each other's interface. */
function sameMachine(nodes: NodeDraft[]): Issue[] {
  const first = new Map<string, NodeDraft>();
  return nodes.flatMap((node) => {
    const machines = new Set(hostsOf(node).flatMap(machinesAt));
    return [...machines].flatMap((machine) => {
      const holder = first.get(machine);
      if (holder === undefined) first.set(machine, node);
      if (holder === undefined) return [];
      const remedy = "a machine can be only one node of a network: remove one of the two";
      return [error(`${node.path}.host`, `${machine} is also the host of ${holder.path}`, remedy)];
    });
  });
}

function machinesAt(host: Host): string[] {
  if (host.kind === "local") return ["local"];
  return host.kind === "ssh" ? [`${host.address} port ${host.port}`] : [];
}

/** The push would cut off its own SSH session: the host would route its answers into the tunnel. */
function hostInside(node: NodeDraft, gateways: NodeDraft[], tunnels: Tunnels | null): Issue[] {
  const { site } = node.fields;
  const isNear = (other: NodeDraft) =>
    other === node || (node.kind === "peer" && site !== undefined && other.fields.site === site);
  const addresses = hostsOf(node).flatMap((host) =>
    host.kind === "ssh" ? (addressIn(host.address) ?? []) : [],
  );
  if (addresses.length === 0) return [];
  const inner = innerPrefixes(lansOf(gateways.filter((other) => !isNear(other))), tunnels);
  return addresses.flatMap((address) => {
    const around = inner.find(({ prefix }) => contains(prefix, address));
    if (around === undefined) return [];
    const { label, prefix } = around;
    const message = `${address.text} is in ${label} (${prefix.text}), so the node would reach its own network through the tunnel`;
    return [error(`${node.path}.host`, message, label === "the tunnel" ? OUTSIDE : SAME_SITE)];
  });
}

const OUTSIDE =
  "use the machine's address on the outer network, or user@via:RELAY; or give the tunnel another prefix (network.cidr, network.cidr6)";
const SAME_SITE =
  "if the machine is in that LAN, give it and the node in front of it the same site; else use another address of it";
