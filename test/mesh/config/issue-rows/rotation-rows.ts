/** Issues of public keys and their rotation. */
import { Secret } from "../../../../mesh/secret";
import { changed, hostKey, keys } from "../../../support/small-network";
import { keyPair } from "../../../support/key-pairs";
import type { Row } from "./row";

const next = keyPair(30);
const pushed = { host: "root@203.0.113.10", hostKey };
const moving = { ...pushed, nextPublicKey: next.publicKey };
const OTHER_PORT = "choose another UDP port, and open it in the relay's firewall";

export const rotationRows: Row[] = [
  {
    title: "a key that another node has",
    raw: changed({
      peers: {
        desktop: { nextPublicKey: keys.spare.publicKey },
        laptop: { publicKey: keys.spare.publicKey },
      },
    }),
    issues: [shared("peers.laptop.publicKey", "next key")],
  },
  {
    title: "a next key that another node has",
    raw: changed({
      peers: { laptop: { nextPublicKey: keys.desktop.publicKey } },
      privateKeys: { tokyo: Secret.sealed() },
    }),
    issues: [shared("peers.laptop.nextPublicKey", "key")],
  },
  {
    title: "the private key of another node",
    raw: changed({ privateKeys: { laptop: Secret.of(keys.desktop.privateKey) } }),
    issues: [
      shared("privateKeys.laptop", "key"),
      started("laptop", keys.desktop.publicKey, "peers"),
    ],
  },
  {
    title: "a next key that is the current one",
    raw: changed({ peers: { desktop: { nextPublicKey: keys.desktop.publicKey } } }),
    issues: [
      [
        "peers.desktop.nextPublicKey",
        "error",
        "is already the key of this node",
        "remove this line, or make a new key: npx wireguard-mesh rotate desktop",
      ],
    ],
  },
  {
    title: "a new private key starts a rotation",
    raw: changed({ privateKeys: { desktop: Secret.of(keys.spare.privateKey) } }),
    issues: [started("desktop", keys.spare.publicKey, "peers")],
  },
  {
    title: "a next key without its private key",
    raw: changed({
      peers: { desktop: { nextPublicKey: keys.spare.publicKey } },
      privateKeys: { desktop: Secret.of(keys.desktop.privateKey) },
    }),
    issues: [
      [
        "peers.desktop.nextPublicKey",
        "warning",
        "is set, but privateKeys.desktop still has the old key, so the node keeps using that",
        "remove this line, or set the new private key: npx pulumi config set --secret --path wireguard-mesh:privateKeys.desktop",
      ],
    ],
  },
  {
    title: "a third key during a rotation",
    raw: changed({
      peers: { desktop: { nextPublicKey: keys.spare.publicKey } },
      privateKeys: { desktop: Secret.of(next.privateKey) },
    }),
    issues: [
      [
        "privateKeys.desktop",
        "error",
        "belongs neither to peers.desktop.publicKey nor to its nextPublicKey",
        `its public half is ${next.publicKey}: finish the rotation in progress (npx wireguard-mesh rotate desktop --finish), or set nextPublicKey to it`,
      ],
    ],
  },
  {
    title: "rotation ports that are taken",
    raw: changed({
      relays: {
        tokyo: { ...pushed, rotationPort: 51820 },
        osaka: { ...osaka(1), rotationPort: 4500 },
        kyoto: { ...osaka(2), endpoint: "203.0.113.12:500", rotationPort: 500 },
      },
      peers: { desktop: { endpoint: "203.0.113.11:4500" } },
    }),
    issues: [
      ["relays.kyoto.rotationPort", "error", "500 is the endpoint's port", OTHER_PORT],
      [
        "relays.osaka.rotationPort",
        "error",
        "4500 at that address is the endpoint of peers.desktop",
        OTHER_PORT,
      ],
      ["relays.tokyo.rotationPort", "error", "51820 is already the listen port", OTHER_PORT],
    ],
  },
  {
    title: "a rotation of a relay without a host",
    raw: changed({ relays: { tokyo: { nextPublicKey: next.publicKey } } }),
    issues: [
      [
        "relays.tokyo",
        "error",
        "has no host, so no push can create the second interface that a rotation needs",
        "give it a host; or only set publicKey to the new key, and deliver all configs again",
      ],
    ],
  },
  {
    title: "a rotation of a relay that is reached only through another one",
    raw: changed({
      relays: {
        tokyo: pushed,
        osaka: {
          ...osaka(1),
          host: "root@via:tokyo",
          endpoint: "203.0.113.11:51820",
          nextPublicKey: next.publicKey,
        },
      },
    }),
    issues: [
      [
        "relays.osaka",
        "error",
        "is reached only through another relay, which would have to know the new key before it is installed",
        "give it a host of the form user@address",
      ],
    ],
  },
  {
    title: "rotations of two relays at the same time",
    raw: changed({
      relays: { tokyo: moving, osaka: { ...osaka(1), nextPublicKey: keyPair(31).publicKey } },
    }),
    issues: [
      [
        "relays.tokyo",
        "error",
        "changes its key at the same time as relays.osaka",
        "finish one first: npx wireguard-mesh rotate osaka --finish",
      ],
    ],
  },
  {
    title: "a formerPrivateKeys entry that does not belong to the relay",
    raw: changed({
      relays: { tokyo: moving },
      privateKeys: { tokyo: Secret.of(next.privateKey) },
      formerPrivateKeys: { tokyo: Secret.of(keys.spare.privateKey) },
    }),
    issues: [
      [
        "formerPrivateKeys.tokyo",
        "error",
        "does not belong to relays.tokyo.publicKey",
        "remove it: npx pulumi config rm --path wireguard-mesh:formerPrivateKeys.tokyo",
      ],
    ],
  },
];

function shared(path: string, what: "key" | "next key"): Row["issues"][number] {
  const remedy = "every node needs a key pair of its own: give one of the two a new one";
  return [path, "error", `is also the ${what} of peers.desktop`, remedy];
}

function started(name: string, key: string, group: string): Row["issues"][number] {
  const message = `is a new key with public half ${key}: ${group}.${name} moves to it, and its old key works until the rotation is finished`;
  const remedy = `to finish it: npx wireguard-mesh rotate ${name} --finish`;
  return [`privateKeys.${name}`, "warning", message, remedy];
}

function osaka(at: number) {
  return {
    address: `10.86.0.1${at}`,
    publicKey: keyPair(40 + at).publicKey,
    host: `root@203.0.113.1${at}`,
    hostKey,
  };
}
