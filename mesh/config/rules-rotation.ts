/** Rules about public keys and their rotation. */
import { formatEndpoint, defaultRotationPort, type Endpoint } from "./config";
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

/** The port that a relay's next key gets; null for a peer. */
export function rotationPortOf(node: NodeDraft, draft: Draft): number | null {
  if (node.kind === "peer") return null;
  return node.fields.rotationPort ?? defaultRotationPort(listenPortOf(node, draft));
}

/** Reports whether the node itself already has its next key. */
function holdsNextKey(node: NodeDraft, draft: Draft): boolean {
  return nodeKeysOf(node, draft)?.ownKey === "next";
}

interface WrittenKey {
  node: NodeDraft;
  path: string;
  key: string;
  what: "key" | "next key";
}

/** Reports each duplicate at the later node, by name. */
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

/** Compares the private key in the config with the public keys: the progress of a rotation, and contradictions. */
function progressIssues(node: NodeDraft, draft: Draft): Issue[] {
  const { publicKey, nextPublicKey } = node.fields;
  const path = `${node.path}.nextPublicKey`;
  const held = heldKey(draft.secrets.privateKeys, node.name);
  const finish = `npx wireguard-mesh rotate ${node.name} --finish`;
  if (publicKey === undefined) return [];
  if (nextPublicKey === publicKey) {
    const remedy = `remove this line, or make a new key: npx wireguard-mesh rotate ${node.name}`;
    return [error(path, "is already the key of this node", remedy)];
  }
  if (held === null) return [];
  if (nextPublicKey === undefined) {
    if (held === publicKey) return [];
    const message = `is a new key with public half ${held}: ${node.path} moves to it, and its old key works until the rotation is finished`;
    return [warning(`privateKeys.${node.name}`, message, `to finish it: ${finish}`)];
  }
  if (held === publicKey) {
    const message = `is set, but privateKeys.${node.name} still has the old key, so the node keeps using that`;
    const remedy = `remove this line, or set the new private key: npx pulumi config set --secret --path wireguard-mesh:privateKeys.${node.name}`;
    return [warning(path, message, remedy)];
  }
  if (held === nextPublicKey) return [];
  const message = `belongs neither to ${node.path}.publicKey nor to its nextPublicKey`;
  const remedy = `its public half is ${held}: finish the rotation in progress (${finish}), or set nextPublicKey to it`;
  return [error(`privateKeys.${node.name}`, message, remedy)];
}

/** The port must be free on the machine and at its endpoint. A default one matters only during a rotation. */
function portIssues(relay: NodeDraft, draft: Draft): Issue[] {
  const port = rotationPortOf(relay, draft);
  const endpoint = endpointOf(relay, draft);
  const path = `${relay.path}.rotationPort`;
  const matters = relay.fields.rotationPort !== undefined || holdsNextKey(relay, draft);
  if (port === null || !matters) return [];
  const remedy = "choose another UDP port, and open it in the relay's firewall";
  if (port === listenPortOf(relay, draft))
    return [error(path, `${port} is already the listen port`, remedy)];
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

/** A second key needs a second interface, which only a push can create. */
function secondInterfaceIssues(relay: NodeDraft, draft: Draft): Issue[] {
  if (!holdsNextKey(relay, draft)) return [];
  if (hostsOf(relay).length === 0) {
    const message = "has no host, so no push can create the second interface that a rotation needs";
    const remedy =
      "give it a host; or only set publicKey to the new key, and deliver all configs again";
    return [error(relay.path, message, remedy)];
  }
  if (hostsOf(relay).every((host) => host.kind === "via")) {
    const message =
      "is reached only through another relay, which would have to know the new key before it is installed";
    return [error(relay.path, message, "give it a host of the form user@address")];
  }
  return [];
}

/** Each relay would use a key that the other one does not accept yet. */
function twoRelaysAtOnce(relays: NodeDraft[], draft: Draft): Issue[] {
  const [first, ...others] = relays.filter((relay) => relay.active && holdsNextKey(relay, draft));
  if (first === undefined) return [];
  return others.map((relay) => {
    const remedy = `finish one first: npx wireguard-mesh rotate ${first.name} --finish`;
    return error(relay.path, `changes its key at the same time as ${first.path}`, remedy);
  });
}
