/** Rules about public keys and their rotation: one node a key, and no key that a relay could not hold beside its first. */
import { formatEndpoint, portBeside, type Endpoint } from "./config";
import { hostsOf, type Draft, type NodeDraft } from "./draft";
import { error, warning, type Issue } from "./issue";
import { heldKey, nodeKeysOf } from "./node-keys";
import { endpointOf, listenPortOf } from "./rules-dialling";

export function rotationIssues(draft: Draft): Issue[] {
  const relays = draft.nodes.filter((node) => node.kind === "relay");
  return [
    ...sharedKeys(draft),
    ...draft.nodes.flatMap((node) => progressIssues(node, draft)),
    ...relays.flatMap((relay) => portIssues(relay, draft)),
    ...relays.flatMap((relay) => secondInterfaceIssues(relay, draft)),
    ...twoRelaysAtOnce(relays, draft),
  ];
}

/** The port of a relay's second interface, or null where it has none. */
export function rotationPortOf(relay: NodeDraft, draft: Draft): number | null {
  if (relay.kind === "peer") return null;
  const written = relay.fields.rotationPort ?? null;
  return written ?? (movesToNext(relay, draft) ? portBeside(listenPortOf(relay, draft)) : null);
}

/** A node that has got its next key. */
function movesToNext(node: NodeDraft, draft: Draft): boolean {
  return nodeKeysOf(node, draft)?.ownKey === "next";
}

interface WrittenKey {
  node: NodeDraft;
  path: string;
  key: string;
  what: "key" | "next key";
}

/** Both culprits are named, at the later one's path. */
function sharedKeys(draft: Draft): Issue[] {
  const first = new Map<string, WrittenKey>();
  return draft.nodes
    .flatMap((node) => keysIn(node, draft))
    .flatMap((one) => {
      const holder = first.get(one.key);
      if (holder === undefined) first.set(one.key, one);
      if (holder === undefined || holder.node === one.node) return [];
      const remedy = "every node needs a key pair of its own: give one of the two a new one";
      return [error(one.path, `is also the ${holder.what} of ${holder.node.path}`, remedy)];
    });
}

function keysIn(node: NodeDraft, draft: Draft): WrittenKey[] {
  const keys = nodeKeysOf(node, draft);
  if (keys === null) return [];
  const path = `${node.path}.publicKey`;
  const nextPath =
    node.fields.nextPublicKey === undefined
      ? `privateKeys.${node.name}`
      : `${node.path}.nextPublicKey`;
  const next = keys.nextPublicKey;
  return [
    { node, path, key: keys.publicKey, what: "key" as const },
    ...(next === null ? [] : [{ node, path: nextPath, key: next, what: "next key" as const }]),
  ];
}

/** How far a rotation has come, and what contradicts itself in it. */
function progressIssues(node: NodeDraft, draft: Draft): Issue[] {
  const { publicKey, nextPublicKey } = node.fields;
  const path = `${node.path}.nextPublicKey`;
  const held = heldKey(draft.secrets.privateKeys, node.name);
  const finish = `npx wireguard-mesh rotate ${node.name} --finish`;
  if (publicKey === undefined) return [];
  if (nextPublicKey === publicKey) {
    const remedy = `remove this line, or make a new key: npx wireguard-mesh rotate ${node.name}`;
    return [error(path, "is the key that the node has already", remedy)];
  }
  if (held === null) return [];
  if (nextPublicKey === undefined) {
    if (held === publicKey) return [];
    const message = `is a new key, whose public half is ${held}: ${node.path} moves to it, and its former key works until that is finished`;
    return [warning(`privateKeys.${node.name}`, message, `then finish it: ${finish}`)];
  }
  if (held === publicKey) {
    const message = `is set, but privateKeys.${node.name} still has the former key, so the node stays with that`;
    const remedy = `remove this line, or type the new private key in at: pulumi config set --secret --path wireguard-mesh:privateKeys.${node.name}`;
    return [warning(path, message, remedy)];
  }
  if (held === nextPublicKey) return [];
  const message = `belongs neither to ${node.path}.publicKey nor to its nextPublicKey`;
  const remedy = `its public half is ${held}: finish the rotation that is under way (${finish}), or write that as nextPublicKey`;
  return [error(`privateKeys.${node.name}`, message, remedy)];
}

/** A port of its own, on the machine and outside. */
function portIssues(relay: NodeDraft, draft: Draft): Issue[] {
  const port = rotationPortOf(relay, draft);
  const endpoint = endpointOf(relay, draft);
  const path = `${relay.path}.rotationPort`;
  if (port === null) return [];
  const remedy = "choose another UDP port, and open it in the relay's firewall";
  if (port === listenPortOf(relay, draft))
    return [error(path, `${port} is the listen port already`, remedy)];
  if (port === endpoint?.port) return [error(path, `${port} is the endpoint's port`, remedy)];
  const taken = endpoint === null ? undefined : nodeAt({ ...endpoint, port }, relay, draft);
  return taken === undefined
    ? []
    : [error(path, `${port} at that address is the endpoint of ${taken.path}`, remedy)];
}

function nodeAt(endpoint: Endpoint, relay: NodeDraft, draft: Draft): NodeDraft | undefined {
  return draft.nodes.find((other) => {
    const theirs = other === relay ? null : endpointOf(other, draft);
    return theirs !== null && formatEndpoint(theirs) === formatEndpoint(endpoint);
  });
}

/** Two keys need two interfaces, and only a push makes the second. */
function secondInterfaceIssues(relay: NodeDraft, draft: Draft): Issue[] {
  const { nextPublicKey, rotationPort } = relay.fields;
  const path = `${relay.path}.rotationPort`;
  const moves = movesToNext(relay, draft);
  if (hostsOf(relay).length === 0 && (moves || rotationPort !== undefined)) {
    const message = "is not pushed to, so nothing gives it the second interface that two keys need";
    const remedy =
      "give it a host; or write the new key as publicKey alone, and hand every config over anew";
    return [error(relay.path, message, remedy)];
  }
  if (moves && hostsOf(relay).every((host) => host.kind === "via")) {
    const message =
      "is reached through another relay alone, and that would have to know its new key before it has got it";
    return [error(relay.path, message, "give it a host of the form user@address")];
  }
  if (!moves || rotationPort === undefined) return [];
  if (nextPublicKey === undefined) {
    const message = `${rotationPort} still leads devices to the key that this rotation would end`;
    const remedy = `set the former secret again; give these devices their new config, remove rotationPort, run up; then rotate`;
    return [error(path, message, remedy)];
  }
  const message = `${rotationPort} now leads to the next key: a device that was configured with this port in an earlier rotation is cut off`;
  return [warning(path, message, "nothing to do if the port was chosen for this rotation")];
}

/** Each would speak to the other with a key that the other does not expect yet. */
function twoRelaysAtOnce(relays: NodeDraft[], draft: Draft): Issue[] {
  const [first, ...others] = relays.filter((relay) => relay.active && movesToNext(relay, draft));
  if (first === undefined) return [];
  return others.map((relay) => {
    const remedy = `finish one first: npx wireguard-mesh rotate ${first.name} --finish`;
    return error(relay.path, `changes its key while ${first.path} does so too`, remedy);
  });
}
