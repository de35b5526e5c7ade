/** Stack configs with an ec2 relay, and mocked responses of AWS. */
import { parsePrefix } from "../../mesh/addresses";
import { ec2Defaults, type Ec2Spec } from "../../mesh/config/ec2";
import type { Stack } from "./engine-mock";
import { hostKeyLine, keyPair } from "./key-pairs";
import { PRESHARED_KEY_SEED } from "./networks";

export const AUTHORITY_SEED = Buffer.alloc(32, 5).toString("base64");
export const ADDRESS = "203.0.113.50";
/** Of the instance, until the association. */
export const FIRST_ADDRESS = "198.51.100.80";
export const LOGIN_KEY = hostKeyLine(9);

export const ec2 = {
  adminCidrs: ["198.51.100.7/32", "2001:db8:7::/48"],
  authorizedKeys: [LOGIN_KEY],
};

/** The validated form of `ec2`. */
export const ec2Spec: Ec2Spec = {
  ...ec2Defaults,
  adminCidrs: ec2.adminCidrs.map(parsePrefix),
  allowPublicSsh: false,
  vpcCidr: parsePrefix(ec2Defaults.vpcCidr),
  subnetId: null,
  protect: false,
  tags: {},
  authorizedKeys: ec2.authorizedKeys,
};

/** A network with an ec2 relay, a peer that is pushed to directly, one that is pushed to through the relay, and a phone. */
export function ec2Stack(
  preview = false,
  fields: Record<string, unknown> = {},
  network: Record<string, unknown> = {},
  relay: Record<string, unknown> = {},
): Stack {
  const nodes = ["tokyo", "desktop", "nas", "phone"];
  const keys = nodes.map((name, at) => [name, keyPair(at).privateKey]);
  const node = (name: string) => {
    const at = nodes.indexOf(name);
    return { address: `10.86.0.${at + 1}`, publicKey: keyPair(at).publicKey };
  };
  return {
    preview,
    secrets: ["privateKeys", "presharedKeySeed", "sshAuthoritySeed"],
    config: {
      network: JSON.stringify(network),
      relays: JSON.stringify({ tokyo: { ...node("tokyo"), ...relay, ec2: { ...ec2, ...fields } } }),
      peers: JSON.stringify({
        desktop: { ...node("desktop"), host: "taro@192.168.1.20", hostKey: hostKeyLine(1) },
        nas: { ...node("nas"), host: "admin@via:tokyo", hostKey: hostKeyLine(2) },
        phone: node("phone"),
      }),
      privateKeys: JSON.stringify(Object.fromEntries(keys)),
      presharedKeySeed: PRESHARED_KEY_SEED,
      sshAuthoritySeed: AUTHORITY_SEED,
    },
    answers: {
      "aws:ssm/getParameter:getParameter": { insecureValue: "ami-1" },
      "aws:ec2/getSubnet:getSubnet": {
        id: "subnet-0123456789abcdef0",
        vpcId: "vpc-1",
        cidrBlock: "10.1.2.0/24",
        ipv6CidrBlock: "",
      },
      "aws:ec2/getVpc:getVpc": {
        id: "vpc-1",
        cidrBlock: "10.1.0.0/16",
        cidrBlockAssociations: [{ cidrBlock: "10.1.0.0/16" }, { cidrBlock: "100.64.0.0/16" }],
        ipv6CidrBlockAssociations: [],
      },
    },
    states: {
      "aws:ec2/vpc:Vpc": { ipv6CidrBlock: "2600:1f14:abc:de00::/56" },
      "pulumi:index:Stash": { output: FIRST_ADDRESS },
      "aws:ec2/eip:Eip": { publicIp: ADDRESS, allocationId: "eipalloc-1" },
    },
  };
}
