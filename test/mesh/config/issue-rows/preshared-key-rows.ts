/** Issues of the preshared keys of single links. */
import { Secret } from "../../../../mesh/secret";
import { changed, keys } from "../../../support/small-network";
import type { Row } from "./row";

const key = Secret.of(keys.spare.privateKey);

function row(title: string, presharedKeys: unknown, ...issues: Row["issues"]): Row {
  return { title, raw: changed({ presharedKeys }), issues };
}

export const presharedKeyRows: Row[] = [
  row("a preshared key of a link, its nodes in any order", {
    "desktop/tokyo": key,
    "tokyo/laptop": Secret.sealed(),
  }),
  row(
    "preshared keys that are no link's",
    { desktop: key, "desktop/desktop": key, "desktop/tokyo/laptop": key },
    ...["desktop", '"desktop/desktop"', '"desktop/tokyo/laptop"'].map(
      (entry): Row["issues"][number] => [
        `presharedKeys.${entry}`,
        "error",
        "is not the name of a link",
        "write the names of its two nodes: presharedKeys: { laptop/tokyo: ... }",
      ],
    ),
  ),
  row("a preshared key with an unknown node", { "phone/tokyo": key }, [
    "presharedKeys.phone/tokyo",
    "error",
    "there is no node phone",
    "correct its name, or remove this line from the stack file",
  ]),
  row("two preshared keys of one link", { "desktop/tokyo": key, "tokyo/desktop": key }, [
    "presharedKeys.tokyo/desktop",
    "error",
    "is the same link as presharedKeys.desktop/tokyo",
    "remove one of the two",
  ]),
  row(
    "preshared keys that are no secret, no key, and none",
    {
      "desktop/tokyo": keys.spare.privateKey,
      "laptop/tokyo": Secret.of("hunter2"),
    },
    [
      "presharedKeys.desktop/tokyo",
      "error",
      "is not encrypted in the stack file, so it is no longer secret",
      "make a new one, and set it with: npx pulumi config set --secret --path wireguard-mesh:presharedKeys.desktop/tokyo",
    ],
    [
      "presharedKeys.laptop/tokyo",
      "error",
      "is not a WireGuard key",
      "a key is what `wg genpsk` prints; set it with: npx pulumi config set --secret --path wireguard-mesh:presharedKeys.laptop/tokyo",
    ],
  ),
  row("a preshared key of zeros", { "desktop/tokyo": Secret.of(`${"A".repeat(43)}=`) }, [
    "presharedKeys.desktop/tokyo",
    "error",
    "is the all-zero key, which means none",
    "make one: wg genpsk | npx pulumi config set --secret --path wireguard-mesh:presharedKeys.desktop/tokyo",
  ]),
  row("preshared keys that are encrypted as a whole", Secret.sealed(), [
    "presharedKeys",
    "error",
    "is encrypted as a whole, which hides the links that have a key",
    "encrypt each key by itself: npx pulumi config set --secret --path wireguard-mesh:presharedKeys.LAPTOP/TOKYO",
  ]),
  row(
    "preshared keys that are a list",
    [],
    [
      "presharedKeys",
      "error",
      "is not a map of names and keys",
      "set each one with: npx pulumi config set --secret --path wireguard-mesh:presharedKeys.A/B",
    ],
  ),
  row("a preshared key of two nodes without a link", { "desktop/laptop": key }, [
    "presharedKeys.desktop/laptop",
    "warning",
    "is not used: desktop and laptop have no link to each other",
    "remove it: npx pulumi config rm --path wireguard-mesh:presharedKeys.desktop/laptop",
  ]),
];
