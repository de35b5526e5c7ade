/** The differences between a host and the plan, as far as they can be found without secrets. */
import { parsePrefix } from "../../mesh/addresses";
import { Mistake } from "../../mesh/config/mistake";
import type { PeerSection } from "../../mesh/plan/peer-section";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { interfaceKey, namesByKey } from "../../mesh/plan/rotation";
import type { Facts, PeerFacts } from "../push/facts";

/** One line per difference. Endpoints are not compared: WireGuard changes them as nodes roam. */
export function driftOf(node: NodePlan, plan: Plan, owner: string, facts: Facts): string[] {
  const name = plan.network.interface;
  if (facts.interface === "missing") return [`${name} is missing`];
  if (facts.owner === null)
    return [`${name} exists, but has no owner mark: wireguard-mesh did not set it up`];
  if (facts.owner !== owner) return [`${name} belongs to ${facts.owner}`];
  const found = [
    ...(facts.pending === null ? [] : ["a change is not confirmed"]),
    ...diskDrift(name, facts),
    ...interfaceDrift(node, plan, facts),
    ...routeDrift(facts),
    ...peersDrift(node, plan, facts.peers),
    ...alternateDrift(node, plan, facts),
    ...staleEndpoints(plan, facts),
  ];
  if (found.length > 0 || !facts.runsOtherwise) return found;
  return [`${name} differs from its file: its MTU, or a preshared key`];
}

/** Differences that take effect at the next boot. */
function diskDrift(name: string, facts: Facts): string[] {
  const file = `/etc/wireguard/${name}.conf`;
  if (facts.confirmedFile === null) return [];
  return [
    ...(facts.file === null ? [`${file} was deleted`] : []),
    ...(facts.file === null || facts.file === facts.confirmedFile
      ? []
      : [`${file} was edited by hand`]),
    ...(facts.atBoot === false
      ? ["it would not come up at boot: its unit or sysctl file differs"]
      : []),
  ];
}

function routeDrift({ routeChanges }: Facts): string[] {
  return routeChanges.map((change) => {
    const [verb, , prefix = ""] = change.split(" ");
    return verb === "add"
      ? `the route to ${prefix} is missing`
      : `the route to ${prefix} is not in the plan`;
  });
}

/** WireGuard resolves a name once, so it keeps dialling the old address of a node that has moved. */
function staleEndpoints(plan: Plan, facts: Facts): string[] {
  const names = namesByKey(plan.nodes);
  return facts.staleEndpoints.map(
    ({ publicKey, is, planned }) =>
      `endpoint of peer ${names.get(publicKey) ?? publicKey} is ${is}, and no handshake for 180 s; ${planned} has another address now`,
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
  const unplanned = peers.filter((peer) => !planned.has(peer.publicKey));
  return [
    ...node.sections.flatMap((section) => {
      const peer = peers.find((candidate) => candidate.publicKey === section.publicKey);
      const of = `${section.name}${section.which === "next" ? " (next key)" : ""}`;
      if (peer === undefined) return [`peer ${of} is missing`];
      return sectionDrift(section, peer, isPaired(section, node));
    }),
    ...unplanned.map(
      ({ publicKey }) => `peer ${names.get(publicKey) ?? publicKey} is not in the plan`,
    ),
  ];
}

/** `paired`: during a rotation either key may have the allowed IPs, and the host checks them itself. */
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

function isPaired({ publicKey }: PeerSection, { rotation }: NodePlan): boolean {
  const pairs = rotation?.pairs ?? [];
  return pairs.some(({ current, next }) => current === publicKey || next === publicKey);
}

/** A relay's second interface, and the watcher that moves allowed IPs and routes between keys. */
function alternateDrift(node: NodePlan, plan: Plan, facts: Facts): string[] {
  const watcher =
    facts.watcher === "missing" ? ["the watcher of the rotating keys is not running"] : [];
  const planned = node.alternate;
  if (planned === null) {
    return facts.alternate === null
      ? watcher
      : [...watcher, `${facts.alternate.interface} is not in the plan`];
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
      .map((text) => `${what} ${text} is not in the plan`),
  ];
}

/** The kernel and the plan may write an IPv6 prefix differently. An interface's address, with host bits, stays as it is. */
function canonical(text: string): string {
  try {
    return parsePrefix(text).text;
  } catch (error) {
    if (error instanceof Mistake) return text;
    throw error;
  }
}
