/** The valid parts of the config: the input of the rules. A field that is absent or invalid is undefined. */
import type { Secret } from "../secret";
import { compareAddresses, parsePrefix, type Prefix } from "../addresses";
import { addressPlaceholder } from "../placeholders";
import type { Host, Network, Subnet } from "./config";
import { EC2_USER } from "./ec2";
import type { RawEc2 } from "./ec2-shape";
import type { RawExpect, RawPolicyRule } from "./policy-shape";
import { networkDefaults, type RawNetwork, type RawPeer, type RawRelay } from "./shapes";

export interface Draft {
  network: Partial<RawNetwork>;
  /** Relays and peers, sorted by name. Includes disabled ones, because they keep their address and key. */
  nodes: NodeDraft[];
  relays: NodeDraft[];
  /** Whether `relays` or `peers` is misspelled, so that `nodes` lacks those below it. */
  lacksNodes: boolean;
  /** Undefined if it is not set. */
  policy: Partial<RawPolicyRule>[] | undefined;
  expect: Partial<RawExpect>[];
  secrets: SecretsDraft;
}

export interface NodeDraft {
  name: string;
  kind: "relay" | "peer";
  /** `relays.tokyo` or `peers.laptop`. */
  path: string;
  /** Enabled and not expired. */
  active: boolean;
  fields: Partial<RawPeer & RawRelay>;
  /** The valid fields of `ec2`; null if it has none. */
  ec2: Partial<RawEc2> | null;
}

export interface SecretsDraft {
  privateKeys: KeysDraft;
  /** Current private keys of nodes whose `privateKeys` entry already is the next key, during a rotation. */
  formerPrivateKeys: KeysDraft;
  /** By link, as `a/b`. */
  presharedKeys: KeysDraft;
  presharedKeySeed: Secret | null | undefined;
  sshPrivateKey: Secret | null | undefined;
  sshAuthoritySeed: Secret | null | undefined;
}

/** By node; null for a value that is not encrypted. `"all"` if the whole map is encrypted and cannot be read here. */
export type KeysDraft = "all" | Map<string, Secret | null>;

/** The prefixes that tunnel addresses come from. */
export type Tunnels = Pick<Network, "cidr" | "cidr6">;

/** The prefixes of the network, or their defaults. */
export function tunnelsOf({ network }: Draft): Tunnels {
  return {
    cidr: network.cidr ?? parsePrefix(networkDefaults.cidr),
    cidr6: network.cidr6 ?? null,
  };
}

/** The hosts of a node. An ec2 relay has one, its Elastic IP; its `host` is ignored, and another rule rejects it. */
export function hostsOf(node: NodeDraft): Host[] {
  if (node.ec2 !== null)
    return [{ kind: "ssh", user: EC2_USER, address: addressPlaceholder(node.name), port: 22 }];
  return node.fields.host ?? [];
}

/** The name of a peer's home relay; null for a relay, and in a network without relays. */
export function homeOf(
  { kind, fields }: Pick<NodeDraft, "kind" | "fields">,
  draft: Draft,
): string | null {
  return kind === "relay" ? null : (fields.relay ?? firstRelay(draft.relays));
}

/**
 * The default home relay: the one with the lowest tunnel address. Not the first in the file, because the engine sorts maps by
 * name; not the first by name, because adding a relay `berlin` would move the peers of `tokyo`.
 */
function firstRelay(relays: readonly NodeDraft[]): string | null {
  const active = relays.flatMap(({ name, active, fields: { address } }) =>
    active && address ? [{ name, address }] : [],
  );
  return active.sort((a, b) => compareAddresses(a.address, b.address))[0]?.name ?? null;
}

/** The ranges of a relay's peers: IPv4, then IPv6. */
export function rangesOf({ fields }: NodeDraft): Prefix[] {
  return [fields.peersCidr, fields.peersCidr6].flatMap((prefix) => prefix ?? []);
}

export function lansOf(nodes: readonly NodeDraft[]): { name: string; subnets: Subnet[] }[] {
  return nodes.map(({ name, fields }) => ({ name, subnets: fields.subnets ?? [] }));
}

export function listNames(nodes: readonly { name: string }[]): string {
  return nodes.map((node) => node.name).join(", ");
}
