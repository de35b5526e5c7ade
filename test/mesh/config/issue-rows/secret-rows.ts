/** Issues of secrets: not encrypted, invalid, or not used. No text contains the secret. */
import { Secret } from "../../../../mesh/secret";
import { changed, keys } from "../../../support/small-network";
import type { Row } from "./row";

const setKey = (name: string) =>
  `set it with: npx pulumi config set --secret --path wireguard-mesh:privateKeys.${name}`;
const notEncrypted = (path: string): Row["issues"][number] => [
  path,
  "error",
  "is not encrypted in the stack file, so it is no longer secret",
  `make a new one, and set it with: npx pulumi config set --secret --path wireguard-mesh:${path}`,
];

export const secretRows: Row[] = [
  {
    title: "secrets that are not encrypted",
    raw: changed({
      privateKeys: { desktop: keys.desktop.privateKey },
      presharedKeySeed: keys.spare.privateKey,
      sshPrivateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\n",
    }),
    issues: [
      notEncrypted("privateKeys.desktop"),
      notEncrypted("presharedKeySeed"),
      notEncrypted("sshPrivateKey"),
    ],
  },
  {
    title: "invalid secrets",
    raw: changed({
      privateKeys: { desktop: Secret.of(keys.desktop.privateKey.slice(1)) },
      presharedKeySeed: Secret.of("correct horse battery staple"),
      sshPrivateKey: Secret.of("ssh-ed25519 AAAA"),
    }),
    issues: [
      [
        "privateKeys.desktop",
        "error",
        "is not a WireGuard key",
        `a key is what \`wg genkey\` prints; ${setKey("desktop")}`,
      ],
      [
        "presharedKeySeed",
        "error",
        "is not 32 bytes of base64",
        "make one: wg genpsk | npx pulumi config set --secret wireguard-mesh:presharedKeySeed",
      ],
      [
        "sshPrivateKey",
        "error",
        "is not an SSH private key in PEM or OpenSSH form",
        "npx pulumi config set --secret wireguard-mesh:sshPrivateKey < ~/.ssh/id_ed25519",
      ],
    ],
  },
  {
    title: "a formerPrivateKeys entry without a rotation",
    raw: changed({ formerPrivateKeys: { desktop: Secret.of(keys.desktop.privateKey) } }),
    issues: [
      [
        "formerPrivateKeys.desktop",
        "warning",
        "is not used: peers.desktop has no rotation in progress",
        "remove it: npx pulumi config rm --path wireguard-mesh:formerPrivateKeys.desktop",
      ],
    ],
  },
  {
    title: "private keys of unknown nodes",
    raw: changed({
      privateKeys: {
        desktp: Secret.sealed(),
        "old-phone": Secret.sealed(),
        "$(reboot)": Secret.sealed(),
        [keys.spare.privateKey]: Secret.of("phone"),
      },
    }),
    issues: [
      [
        "privateKeys.desktp",
        "error",
        "there is no node with this name",
        "did you mean desktop? Otherwise remove it: npx pulumi config rm --path wireguard-mesh:privateKeys.desktp",
      ],
      [
        "privateKeys.old-phone",
        "error",
        "there is no node with this name",
        "remove it: npx pulumi config rm --path wireguard-mesh:privateKeys.old-phone",
      ],
      [
        'privateKeys."$(reboot)"',
        "error",
        "there is no node with this name",
        "remove this line from the stack file",
      ],
      [
        'privateKeys."(hidden)"',
        "error",
        "there is no node with this name",
        "remove this line from the stack file",
      ],
    ],
  },
  ...[
    { title: "a text", privateKeys: Secret.of(keys.desktop.privateKey) },
    { title: "a list", privateKeys: [] },
  ].map(({ title, privateKeys }): Row => ({
    title: `privateKeys that are ${title}`,
    raw: changed({ privateKeys }),
    issues: [
      [
        "privateKeys",
        "error",
        "is not a map of names and keys",
        "set each one with: npx pulumi config set --secret --path wireguard-mesh:privateKeys.NAME",
      ],
    ],
  })),
];
