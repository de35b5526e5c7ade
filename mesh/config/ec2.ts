/** An EC2 relay as the config describes it: total and validated. components/relay-instance.ts builds it. */
import type { Prefix } from "../addresses";

export const IMAGES = ["debian-12", "ubuntu-24.04", "amazon-linux-2023"] as const;
export type Image = (typeof IMAGES)[number];

export interface Ec2Spec {
  instanceType: string;
  /** Who may open an SSH connection. Never empty. */
  adminCidrs: Prefix[];
  /** Whether `adminCidrs` may hold the whole internet. */
  allowPublicSsh: boolean;
  image: Image;
  /** Another number is another instance, from the newest image. */
  imageGeneration: number;
  /** Of the VPC that is made for it; null where `subnetId` is given. */
  vpcCidr: Prefix | null;
  subnetId: string | null;
  /** Whether instance and address are kept from being deleted by mistake. */
  protect: boolean;
  tags: Record<string, string>;
  /** Public keys that may log in, `TYPE BASE64`; null: the public half of sshPrivateKey. */
  authorizedKeys: string[] | null;
}

/** The user that user data makes and that the push logs in as, on every image. */
export const EC2_USER = "admin";

export const ec2Defaults = {
  instanceType: "t4g.nano",
  image: "debian-12",
  imageGeneration: 1,
  // Private, and not what home routers, Docker (172.17 to 172.20), EC2's default VPC (172.31) or this program's tunnel use.
  vpcCidr: "172.29.86.0/24",
} as const;

/**
 * AWS, "Amazon EC2 instance type naming conventions": family letters, generation, then options, of which `g` is a
 * Graviton processor (t4g, c7gn, im4gn, g5g); `a1` came before that rule.
 */
export function architectureOf(instanceType: string): "arm64" | "amd64" {
  const [, family = "", options = ""] = /^([a-z]+\d+)([a-z]*)/.exec(instanceType) ?? [];
  return family === "a1" || options.includes("g") ? "arm64" : "amd64";
}
