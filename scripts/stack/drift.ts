/** How a host differs from the plan, in words: what can be told from public facts, without any secret. */
import { parsePrefix } from "../../mesh/addresses";
import { Mistake } from "../../mesh/config/mistake";
import type { PeerSection } from "../../mesh/plan/peer-section";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { interfaceKey, namesByKey } from "../../mesh/plan/rotation";
import type { Facts, PeerFacts } from "../push/facts";

/** Empty where the host is as planned. Endpoints are left out: WireGuard moves them as nodes roam. */
export function driftOf(node: NodePlan, plan: Plan, owner: string, facts: Facts): string[] {
  const name = plan.network.interface;
  if (facts.interface === "missing") return [`${name} is missing`];
  if (facts.owner === null) return [`${name} is there, but not ours: no mark of an owner`];
  if (facts.owner !== owner) return [`${name} belongs to ${facts.owner}`];
  const seen = [
    ...(facts.pending === null ? [] : ["a change there has not been confirmed"]),
    ...diskDrift(name, facts),
    ...interfaceDrift(node, plan, facts),
    ...routeDrift(facts),
    ...peersDrift(node, plan, facts.peers),
    ...alternateDrift(node, plan, facts),
    ...staleEndpoints(plan, facts),
  ];
  if (seen.length > 0 || !facts.runsOtherwise) return seen;
  return [`${name} runs otherwise than its file says: its MTU, or a preshared key`];
}

/** What only the next boot would bring to light. */
function diskDrift(name: string, facts: Facts): string[] {
  const file = `/etc/wireguard/${name}.conf`;
  if (facts.confirmedFile === null) return [];
  return [
    ...(facts.file === null ? [`${file} was deleted`] : []),
    ...(facts.file === null || facts.file === facts.confirmedFile
      ? []
      : [`${file} was edited by hand`]),
    ...(facts.atBoot === false ? ["it would not come up at boot as it is: unit or sysctl"] : []),
  ];
}

function routeDrift({ routeChanges }: Facts): string[] {
  return routeChanges.map((change) => {
    const [verb, , prefix = ""] = change.split(" ");
    return verb === "add"
      ? `the route to ${prefix} is missing`
      : `the route to ${prefix} is there, but not planned`;
  });
}

/** WireGuard resolves a name once: a node whose address has changed since is dialled where it was. */
function staleEndpoints(plan: Plan, facts: Facts): string[] {
  const names = namesByKey(plan.nodes);
  return facts.staleEndpoints.map(
    ({ publicKey, is, planned }) =>
      `endpoint of peer ${names.get(publicKey) ?? publicKey} is ${is}, and no handshake for 180 s; ${planned} leads elsewhere now`,
  );
}

function interfaceDrift(node: NodePlan, { network }: Plan, facts: Facts): string[] {
  const mtu = node.mtu ?? network.mtu;
  const { ipv4, ipv6 } = node.forwarding;
  return [
    ...(facts.interface === "down" ? [`${network.interface} is down`] : []),
    ...different("public key", facts.publicKey, interfaceKey(node)),
    ...(node.listenPort === null
      ? []
      : different("listen port", facts.listenPort, node.listenPort)),
    ...(mtu === null ? [] : different("MTU", facts.mtu, mtu)),
    ...sets("address", facts.addresses, addressesOf(node, network)),
    ...(ipv4 && !facts.forwarding.ipv4 ? ["it does not forward IPv4"] : []),
    ...(ipv6 && !facts.forwarding.ipv6 ? ["it does not forward IPv6"] : []),
  ];
}

function peersDrift(node: NodePlan, plan: Plan, peers: readonly PeerFacts[]): string[] {
  const names = namesByKey(plan.nodes);
  const planned = new Set(node.sections.map((section) => section.publicKey));
  const strangers = peers.filter((peer) => !planned.has(peer.publicKey));
  return [
    ...node.sections.flatMap((section) => {
      const peer = peers.find((candidate) => candidate.publicKey === section.publicKey);
      const of = `${section.name}${section.which === "next" ? " (next key)" : ""}`;
      if (peer === undefined) return [`peer ${of} is missing`];
      return sectionDrift(section, peer, inPair(section, node));
    }),
    ...strangers.map(
      ({ publicKey }) => `peer ${names.get(publicKey) ?? publicKey} is there, but not planned`,
    ),
  ];
}

/** The allowed IPs of a node between two keys are with either of them, and the host's own script says when they are not. */
function sectionDrift(section: PeerSection, peer: PeerFacts, paired: boolean): string[] {
  const of = `of peer ${section.name}`;
  return [
    ...(paired ? [] : sets(`allowed IP ${of}:`, peer.allowedIps, section.allowedIps)),
    ...different(
      `persistent keepalive ${of}`,
      peer.persistentKeepalive ?? "off",
      section.persistentKeepalive ?? "off",
    ),
  ];
}

function inPair({ publicKey }: PeerSection, { rotation }: NodePlan): boolean {
  const pairs = rotation?.pairs ?? [];
  return pairs.some(({ current, next }) => current === publicKey || next === publicKey);
}

/** A relay's second interface, and what moves allowed IPs and routes from key to key. */
function alternateDrift(node: NodePlan, plan: Plan, facts: Facts): string[] {
  const watcher =
    facts.watcher === "missing" ? ["nothing there looks after the keys that change"] : [];
  const planned = node.alternate;
  if (planned === null) {
    return facts.alternate === null
      ? watcher
      : [...watcher, `${facts.alternate.interface} is there, but not planned`];
  }
  const second = facts.alternate;
  if (second === null || second.publicKey === null)
    return [...watcher, `${planned.interface} is missing`];
  return [
    ...watcher,
    ...different(`public key of ${planned.interface}`, second.publicKey, planned.publicKey),
    ...different(`listen port of ${planned.interface}`, second.listenPort, planned.listenPort),
    ...peersDrift(node, plan, second.peers).map((line) => `${planned.interface}: ${line}`),
  ];
}

function addressesOf(node: NodePlan, network: Plan["network"]): string[] {
  const { address, address6 } = node;
  const six =
    address6 === null || network.cidr6 === null ? [] : [`${address6.text}/${network.cidr6.length}`];
  return [`${address.text}/${network.cidr.length}`, ...six];
}

function different(what: string, is: string | number | null, planned: string | number): string[] {
  return is === planned ? [] : [`${what} is ${is ?? "not set"}, planned is ${planned}`];
}

function sets(what: string, are: readonly string[], planned: readonly string[]): string[] {
  const present = new Set(are.map(canonical));
  const wanted = new Set(planned);
  return [
    ...[...wanted].filter((text) => !present.has(text)).map((text) => `${what} ${text} is missing`),
    ...[...present]
      .filter((text) => !wanted.has(text))
      .map((text) => `${what} ${text} is there, but not planned`),
  ];
}

/** The kernel and the plan may spell one IPv6 prefix in two ways; an interface's address has host bits and stays. */
function canonical(text: string): string {
  try {
    return parsePrefix(text).text;
  } catch (problem) {
    if (problem instanceof Mistake) return text;
    throw problem;
  }
}
