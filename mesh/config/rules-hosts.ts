/** Rules about the ways onto a machine: whom to log in to, through whom, and how it proves who it is. */
import type { Host } from "./config";
import { hostsOf, listNames, type Draft, type NodeDraft } from "./draft";
import { error, type Issue } from "./issue";
import { nearest } from "./shape-issues";

export function hostIssues(draft: Draft): Issue[] {
  return [
    ...draft.nodes.flatMap(missingHostKey),
    ...draft.nodes.flatMap((node) => viaIssues(node, draft)),
    ...sameMachine(draft.nodes),
  ];
}

function missingHostKey(node: NodeDraft): Issue[] {
  if (node.ec2 !== null) return [];
  const bySsh = hostsOf(node).some((host) => host.kind !== "local");
  if (!bySsh || node.fields.hostKey !== undefined) return [];
  return [
    error(
      `${node.path}.hostKey`,
      "is missing: the machine could be anyone's",
      "copy the machine's own line, from a session you trust: cat /etc/ssh/ssh_host_ed25519_key.pub",
    ),
  ];
}

function viaIssues(node: NodeDraft, draft: Draft): Issue[] {
  const relays = draft.nodes.filter((candidate) => candidate.kind === "relay");
  return hostsOf(node).flatMap((host) => {
    if (host.kind !== "via") return [];
    const path = `${node.path}.host`;
    const relay = relays.find((candidate) => candidate.name === host.relay);
    if (relay === undefined) return [unknownRelay(path, host.relay, relays)];
    if (relay.name === node.name) {
      return [error(path, "leads through itself", "name the machine's own address: user@address")];
    }
    if (!relay.active)
      return [error(path, `leads through ${relay.name}, which is disabled`, "name another way")];
    if (directHost(relay) !== undefined) return [];
    const remedy = `give ${relay.path} a host of the form user@address`;
    return [error(path, `leads through ${relay.name}, which has no SSH address itself`, remedy)];
  });
}

/** A relay that is named but not there; shared with the rule for `relay`. */
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

/** The first way onto a node that needs no other node. */
export function directHost(node: NodeDraft): Extract<Host, { kind: "ssh" }> | undefined {
  return hostsOf(node).find((host) => host.kind === "ssh");
}

/** Two nodes on one machine would fight over one interface. */
function sameMachine(nodes: NodeDraft[]): Issue[] {
  const first = new Map<string, NodeDraft>();
  return nodes.flatMap((node) => {
    const machines = new Set(hostsOf(node).flatMap(machinesAt));
    return [...machines].flatMap((machine) => {
      const holder = first.get(machine);
      if (holder === undefined) first.set(machine, node);
      if (holder === undefined) return [];
      const remedy = "a machine can be one node of a network: remove one of the two";
      return [error(`${node.path}.host`, `${machine} is also the host of ${holder.path}`, remedy)];
    });
  });
}

function machinesAt(host: Host): string[] {
  if (host.kind === "local") return ["local"];
  return host.kind === "ssh" ? [`${host.address} port ${host.port}`] : [];
}
