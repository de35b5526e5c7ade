/** The validated config of an EC2 relay. components/relay-instance.ts creates it. */
import type { Prefix } from "../addresses";

export const IMAGES = ["debian-12", "ubuntu-24.04", "amazon-linux-2023"] as const;
export type Image = (typeof IMAGES)[number];

export interface Ec2Spec {
  instanceType: string;
  /** Where SSH connections are allowed from. Not empty. */
  adminCidrs: Prefix[];
  /** Whether `adminCidrs` may contain the whole internet. */
  allowPublicSsh: boolean;
  image: Image;
  /** A change creates a new instance from the newest image. */
  imageGeneration: number;
  /** Prefix of the new VPC; null if `subnetId` is set. */
  vpcCidr: Prefix | null;
  subnetId: string | null;
  /** Whether the instance and its address are protected from deletion. */
  protect: boolean;
  tags: Record<string, string>;
  /** Public keys for SSH login, `TYPE BASE64`; null: the public half of sshPrivateKey. */
  authorizedKeys: string[] | null;
}

/** The user that user data creates and that the push logs in as, on every image. */
export const EC2_USER = "admin";

export const ec2Defaults = {
  instanceType: "t4g.nano",
  image: "debian-12",
  imageGeneration: 1,
  // A private prefix that home routers, Docker (172.17 to 172.20), EC2's default VPC (172.31) and the default tunnel do not use.
  vpcCidr: "172.29.86.0/24",
} as const;

/**
 * The processor architecture of an instance type. Its name is family letters, generation, then options, of which `g` is a
 * Graviton processor (t4g, c7gn, im4gn, g5g); `a1` predates that rule (AWS, "Amazon EC2 instance type naming conventions").
 */
export function architectureOf(instanceType: string): "arm64" | "amd64" {
  const [, family = "", options = ""] = /^([a-z]+\d+)([a-z]*)/.exec(instanceType) ?? [];
  return family === "a1" || options.includes("g") ? "arm64" : "amd64";
}
