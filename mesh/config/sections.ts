/** The top-level keys of the config, with descriptions for the reference and for editors. */
import type { z } from "zod";
import type { SecretKey } from "./secret-keys";
import { expectShape, policyShape } from "./policy-shape";
import { networkShape, peerShape, relayShape } from "./shapes";

export interface Section {
  /** One map, a map of them by name, or a list of them. */
  kind: "map" | "nodes" | "list";
  shape: z.ZodObject;
  description: string;
}

interface About {
  description: string;
  absent?: string;
  page?: string;
}

/** The network itself. None of it is secret. */
export const FACTS = {
  network: {
    kind: "map",
    shape: networkShape,
    description: "settings of the whole network",
  },
  relays: {
    kind: "nodes",
    shape: relayShape,
    description: "by name, the nodes that pass on the traffic of others; any node can dial them",
  },
  peers: {
    kind: "nodes",
    shape: peerShape,
    description: "by name, all other nodes; the only key that is required",
  },
  policy: {
    kind: "list",
    shape: policyShape,
    description:
      "who may start connections to whom. Absent: everything is allowed. An empty list: nothing is allowed",
  },
  expect: {
    kind: "list",
    shape: expectShape,
    description:
      "assertions on who reaches whom; one that is false fails `plan`, `preview` and `up`",
  },
} as const satisfies Record<string, Section>;

/** Always encrypted. */
export const SECRETS: Record<SecretKey, About> = {
  privateKeys: {
    description: "by node, its private key; absent where the machine or the device keeps its own",
    page: "config.md#secrets",
  },
  formerPrivateKeys: {
    description:
      "by node, during a rotation: the private key that is still the current one; written and removed by `rotate`",
    page: "rotation.md",
  },
  presharedKeys: {
    description:
      "by link, as `laptop/tokyo`: its preshared key, instead of a derived one; `wg genpsk` prints one",
    page: "import.md",
  },
  presharedKeySeed: {
    description:
      "32 bytes of base64; each link's preshared key is derived from it and the link's two public keys",
    absent: "no preshared keys",
    page: "rotation.md",
  },
  sshPrivateKey: {
    description: "an SSH key for all hosts",
    absent: "your own SSH agent and `ssh_config`",
  },
  sshAuthoritySeed: {
    description:
      "32 bytes of base64; the key that signs the SSH host keys of ec2 relays is derived from it",
    absent: "required with an ec2 relay",
    page: "config.md#secrets",
  },
};

/** Written by commands; nothing that is pushed depends on it. */
export const RECORDS = {
  delivered: {
    description:
      "which configs `config`, `qr` and `hand-over` gave out, to find devices with an older one",
  },
  rotateAll: {
    description: "the nodes that an interrupted `rotate --all` has not rotated yet",
  },
} as const;
