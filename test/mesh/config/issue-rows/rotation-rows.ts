/** Issues of public keys and of their rotation. */
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
    title: "a secret that another node has",
    raw: changed({ privateKeys: { laptop: Secret.of(keys.desktop.privateKey) } }),
    issues: [shared("privateKeys.laptop", "key"), begun("laptop", keys.desktop.publicKey, "peers")],
  },
  {
    title: "a next key that is no other",
    raw: changed({ peers: { desktop: { nextPublicKey: keys.desktop.publicKey } } }),
    issues: [
      [
        "peers.desktop.nextPublicKey",
        "error",
        "is the key that the node has already",
        "remove this line, or make a new key: npx wireguard-mesh rotate desktop",
      ],
    ],
  },
  {
    title: "a secret that fits neither key begins a rotation",
    raw: changed({ privateKeys: { desktop: Secret.of(keys.spare.privateKey) } }),
    issues: [begun("desktop", keys.spare.publicKey, "peers")],
  },
  {
    title: "a next key whose secret is still to come",
    raw: changed({
      peers: { desktop: { nextPublicKey: keys.spare.publicKey } },
      privateKeys: { desktop: Secret.of(keys.desktop.privateKey) },
    }),
    issues: [
      [
        "peers.desktop.nextPublicKey",
        "warning",
        "is set, but privateKeys.desktop still has the former key, so the node stays with that",
        "remove this line, or type the new private key in at: pulumi config set --secret --path wireguard-mesh:privateKeys.desktop",
      ],
    ],
  },
  {
    title: "a third key in the middle of a rotation",
    raw: changed({
      peers: { desktop: { nextPublicKey: keys.spare.publicKey } },
      privateKeys: { desktop: Secret.of(next.privateKey) },
    }),
    issues: [
      [
        "privateKeys.desktop",
        "error",
        "belongs neither to peers.desktop.publicKey nor to its nextPublicKey",
        `its public half is ${next.publicKey}: finish the rotation that is under way (npx wireguard-mesh rotate desktop --finish), or write that as nextPublicKey`,
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
      ["relays.tokyo.rotationPort", "error", "51820 is the listen port already", OTHER_PORT],
    ],
  },
  {
    title: "a relay that nobody could give a second interface",
    raw: changed({ relays: { tokyo: { nextPublicKey: next.publicKey } } }),
    issues: [
      [
        "relays.tokyo",
        "error",
        "is not pushed to, so nothing gives it the second interface that two keys need",
        "give it a host; or write the new key as publicKey alone, and hand every config over anew",
      ],
    ],
  },
  {
    title: "a relay that is reached through another one",
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
        "is reached through another relay alone, and that would have to know its new key before it has got it",
        "give it a host of the form user@address",
      ],
    ],
  },
  {
    title:
      "a relay's rotation by its secret alone while devices still use the port of the last one",
    raw: changed({
      relays: { tokyo: { ...pushed, rotationPort: 51821 } },
      privateKeys: { tokyo: Secret.of(next.privateKey) },
    }),
    issues: [
      begun("tokyo", next.publicKey, "relays"),
      [
        "relays.tokyo.rotationPort",
        "error",
        "51821 still leads devices to the key that this rotation would end",
        "set the former secret again; give these devices their new config, remove rotationPort, run up; then rotate",
      ],
    ],
  },
  {
    title: "a relay's rotation with a port that is written down",
    raw: changed({ relays: { tokyo: { ...moving, rotationPort: 51899 } } }),
    issues: [
      [
        "relays.tokyo.rotationPort",
        "warning",
        "51899 now leads to the next key: a device that was configured with this port in an earlier rotation is cut off",
        "nothing to do if the port was chosen for this rotation",
      ],
    ],
  },
  {
    title: "two relays at once",
    raw: changed({
      relays: { tokyo: moving, osaka: { ...osaka(1), nextPublicKey: keyPair(31).publicKey } },
    }),
    issues: [
      [
        "relays.tokyo",
        "error",
        "changes its key while relays.osaka does so too",
        "finish one first: npx wireguard-mesh rotate osaka --finish",
      ],
    ],
  },
  {
    title: "a former key that is another's",
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
        "remove it: pulumi config rm --path wireguard-mesh:formerPrivateKeys.tokyo",
      ],
    ],
  },
];

function shared(path: string, what: "key" | "next key"): Row["issues"][number] {
  const remedy = "every node needs a key pair of its own: give one of the two a new one";
  return [path, "error", `is also the ${what} of peers.desktop`, remedy];
}

function begun(name: string, key: string, group: string): Row["issues"][number] {
  const message = `is a new key, whose public half is ${key}: ${group}.${name} moves to it, and its former key works until that is finished`;
  const remedy = `then finish it: npx wireguard-mesh rotate ${name} --finish`;
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
