/** The config as far as it could be read: what the rules look at. A field that is absent or wrong is undefined. */
import type { Secret } from "../secret";
import { parsePrefix, type Prefix } from "../addresses";
import { addressPlaceholder } from "../placeholders";
import type { Host, Network } from "./config";
import { EC2_USER } from "./ec2";
import type { RawEc2 } from "./ec2-shape";
import type { RawExpect, RawNetwork, RawPeer, RawRelay } from "./shapes";

export interface Draft {
  network: Partial<RawNetwork>;
  /** Relays and peers in one list, sorted by name; disabled ones too, since they keep their address and key. */
  nodes: NodeDraft[];
  expect: Partial<RawExpect>[];
  secrets: SecretsDraft;
}

export interface NodeDraft {
  name: string;
  kind: "relay" | "peer";
  /** `relays.tokyo` or `peers.laptop`. */
  path: string;
  /** Takes part now: enabled, and not expired. */
  active: boolean;
  fields: Partial<RawPeer & RawRelay>;
  /** What is right of its `ec2`; null where it has none. */
  ec2: Partial<RawEc2> | null;
}

export interface SecretsDraft {
  privateKeys: KeysDraft;
  /** Of relays in the middle of a rotation, whose `privateKeys` has the next key already. */
  formerPrivateKeys: KeysDraft;
  presharedKeySeed: Secret | null | undefined;
  sshPrivateKey: Secret | null | undefined;
  sshAuthoritySeed: Secret | null | undefined;
}

/**
 * By node; `"all"` where the map as a whole is encrypted and cannot be read without the engine. A value that stands in
 * clear is null.
 */
export type KeysDraft = "all" | Map<string, Secret | null>;

/** The field's default stands here once; `network` is `{}` when the user wrote none. */
export const networkDefaults = {
  cidr: "10.86.0.0/24",
  interface: "wg0",
  listenPort: 51820,
  persistentKeepalive: 25,
  topology: "auto",
} as const;

/** The prefixes that tunnel addresses come from. */
export type Tunnels = Pick<Network, "cidr" | "cidr6">;

/** The default stands in for a cidr that is absent. */
export function tunnelsOf({ network }: Draft): Tunnels {
  return {
    cidr: network.cidr ?? parsePrefix(networkDefaults.cidr),
    cidr6: network.cidr6 ?? null,
  };
}

/** The machine of an ec2 relay is known by its Elastic IP, whatever else is written beside. */
export function hostsOf(node: NodeDraft): Host[] {
  if (node.ec2 !== null)
    return [{ kind: "ssh", user: EC2_USER, address: addressPlaceholder(node.name), port: 22 }];
  return node.fields.host ?? [];
}

export function lansOf(nodes: readonly NodeDraft[]): { name: string; subnets: Prefix[] }[] {
  return nodes.map(({ name, fields }) => ({ name, subnets: fields.subnets ?? [] }));
}

export function listNames(nodes: readonly { name: string }[]): string {
  return nodes.map((node) => node.name).join(", ");
}
