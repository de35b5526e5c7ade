/** Ids of machine images. Every instance boots the lab's own Debian 12 image for amd64, whatever its AMI. */
import { createHash } from "node:crypto";
import type { Account } from "./account";

const NAMES = ["debian-12", "ubuntu-24.04", "amazon-linux-2023"] as const;
const ARCHITECTURES = ["arm64", "amd64"] as const;

export interface Image {
  name: (typeof NAMES)[number];
  architecture: (typeof ARCHITECTURES)[number];
}

/** The id of the newest version of an image. */
export function newestImage(account: Account, image: Image): string {
  return amiId(image, account.imagesPublished);
}

/** The image with this id, which can be an older version. */
export function imageOf(account: Account, ami: string): Image | undefined {
  const all = NAMES.flatMap((name) =>
    ARCHITECTURES.map((architecture): Image => ({ name, architecture })),
  );
  const generations = Array.from({ length: account.imagesPublished + 1 }, (_, index) => index);
  return all.find((image) => generations.some((it) => amiId(image, it) === ami));
}

/** The image that the name of a public parameter or AMI refers to, in the naming of Debian, Ubuntu and Amazon. */
export function imageNamed(text: string): Image | undefined {
  const name = /debian.*12/.test(text)
    ? "debian-12"
    : /(ubuntu|canonical).*(24\.04|noble)/.test(text)
      ? "ubuntu-24.04"
      : /al2023/.test(text)
        ? "amazon-linux-2023"
        : undefined;
  if (name === undefined) return undefined;
  return { name, architecture: /arm64|aarch64/.test(text) ? "arm64" : "amd64" };
}

function amiId({ name, architecture }: Image, generation: number): string {
  const digest = createHash("sha256").update(`${name} ${architecture} ${generation}`).digest("hex");
  return `ami-0${digest.slice(0, 16)}`;
}

/** AWS, "Amazon EC2 instance type naming conventions": `g` after the generation is a Graviton processor; a1 too. */
export function architectureOf(instanceType: string): Image["architecture"] {
  return /^(a1\.|[a-z]+\d+[a-z]*g[a-z]*\.)/.test(instanceType) ? "arm64" : "amd64";
}
