/** Issues of ec2 relays. */
import { Secret } from "../../../../mesh/secret";
import { keyPair } from "../../../support/key-pairs";
import { changed, hostKey, keys } from "../../../support/small-network";
import type { Row } from "./row";

const LOGIN_KEY = hostKey;
const TAG_REMEDY =
  "use letters, digits, spaces and _ . : / = + - @; a key has 1 to 128 of them and does not begin with aws:, a value has at most 256";
const sealed = { privateKeys: Secret.sealed(), sshAuthoritySeed: Secret.sealed() };

/** The small network with this `ec2` for its relay. */
function withEc2(ec2: unknown, edits: Record<string, unknown> = {}): Row["raw"] {
  return changed({
    ...sealed,
    ...edits,
    relays: {
      tokyo: { address: "10.86.0.1", publicKey: keys.tokyo.publicKey, endpoint: undefined, ec2 },
    },
  });
}

const good = { adminCidrs: ["203.0.113.7/32"], authorizedKeys: [LOGIN_KEY] };

function wrong(key: string, value: unknown, message: string, remedy: string, at = ""): Row {
  return {
    title: `${key}: ${JSON.stringify(value)}`,
    raw: withEc2({ ...good, [key]: value }),
    issues: [[`relays.tokyo.ec2.${key}${at}`, "error", message, remedy]],
  };
}

const values: Row[] = [
  wrong("instanceType", "nano", '"nano" is not an instance type', "write e.g. t4g.nano"),
  wrong(
    "imageGeneration",
    0,
    "0 is not an image generation",
    "use a whole number from 1; the next one makes a new instance from the newest image",
  ),
  wrong(
    "image",
    "debian-11",
    '"debian-11" is not a valid value',
    "use debian-12 or ubuntu-24.04 or amazon-linux-2023",
  ),
  wrong(
    "vpcCidr",
    "172.16.0.0/12",
    "172.16.0.0/12 cannot be the prefix of a VPC",
    "use an IPv4 prefix from /16 to /28; its IPv6 prefix comes from Amazon",
  ),
  wrong(
    "subnetId",
    "subnet-xyz",
    '"subnet-xyz" is not a subnet ID',
    "list yours: aws ec2 describe-subnets",
  ),
  wrong(
    "tags",
    "x",
    "is a string, but should be a map of text values",
    "write e.g. { Team: network }",
  ),
  wrong("tags", { Team: 1 }, 'the value of "Team" is not text', "put it in quotes"),
  wrong("tags", { "aws:x": "y" }, '"aws:x" cannot be a tag key', TAG_REMEDY),
  wrong("tags", { x: "\n" }, 'the value of "x" cannot be a tag value', TAG_REMEDY),
  wrong("tags", { Name: "" }, 'the value of "Name" is empty', "write a name, or leave Name out"),
  wrong(
    "adminCidrs",
    [],
    "is an empty list",
    "list the addresses that you log in from, e.g. [203.0.113.7/32]",
  ),
  wrong(
    "authorizedKeys",
    ["no-pty ssh-ed25519 AAAA"],
    '"no-pty" is not a type of SSH public key',
    "copy a line from `ssh-add -L` or ~/.ssh/id_ed25519.pub",
    "[0]",
  ),
  wrong("keyName", "me", "is not a known key", `known keys: ${knownKeys()}`),
];

export const ec2Rows: Row[] = [
  ...values,
  { title: "none with only the required keys", raw: withEc2(good), issues: [] },
  {
    title: "none with sshPrivateKey instead of authorizedKeys",
    raw: withEc2({ adminCidrs: good.adminCidrs }, { sshPrivateKey: Secret.sealed() }),
    issues: [],
  },
  {
    title: "host and ec2 together",
    raw: changed({
      ...sealed,
      relays: {
        tokyo: { endpoint: undefined, host: "root@203.0.113.10", hostKey, ec2: good },
      },
    }),
    issues: ["host", "hostKey"].map((key) => [
      `relays.tokyo.${key}`,
      "error",
      "cannot be combined with ec2: the program creates that machine and knows how to log in to it",
      `remove ${key}, or remove ec2 to use an existing machine`,
    ]),
  },
  {
    title: "without any required key",
    raw: withEc2({}, { sshAuthoritySeed: undefined }),
    issues: [
      [
        "relays.tokyo.ec2.adminCidrs",
        "error",
        "is missing: no machine could push to this relay",
        "list the addresses that you log in from, e.g. [203.0.113.7/32]; to find yours: curl -4 https://checkip.amazonaws.com",
      ],
      [
        "relays.tokyo.ec2.authorizedKeys",
        "error",
        "is missing, and so is sshPrivateKey: no key could log in",
        "add the output of `ssh-add -L`, or the line in ~/.ssh/id_ed25519.pub",
      ],
      [
        "sshAuthoritySeed",
        "error",
        "is missing: the host keys of ec2 relays are signed by an authority that is derived from it",
        "make one: wg genpsk | npx pulumi config set --secret wireguard-mesh:sshAuthoritySeed",
      ],
    ],
  },
  {
    title: "an sshPrivateKey whose public half cannot be read",
    raw: withEc2(
      { adminCidrs: good.adminCidrs },
      { sshPrivateKey: Secret.of("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n") },
    ),
    issues: [
      [
        "relays.tokyo.ec2.authorizedKeys",
        "error",
        "is missing, and the public half of sshPrivateKey cannot be read from it",
        "add the output of `ssh-add -L`, or the line in ~/.ssh/id_ed25519.pub",
      ],
    ],
  },
  {
    title: "SSH from the whole internet, or from half of it",
    raw: withEc2({ ...good, adminCidrs: ["0.0.0.0/0", "128.0.0.0/1", "::/0", "203.0.113.0/24"] }),
    issues: ["0.0.0.0/0", "128.0.0.0/1", "::/0"].map((cidr, at) => [
      `relays.tokyo.ec2.adminCidrs[${at}]`,
      "error",
      `${cidr} lets the whole internet try to log in`,
      "list your own addresses, e.g. 203.0.113.7/32; or, to allow it, set allowPublicSsh: true",
    ]),
  },
  {
    title: "none for public SSH with allowPublicSsh",
    raw: withEc2({ ...good, adminCidrs: ["0.0.0.0/0"], allowPublicSsh: true }),
    issues: [],
  },
  {
    title: "a VPC that contains the tunnel",
    raw: withEc2({ ...good, vpcCidr: "10.86.0.0/16" }),
    issues: [overlap("the VPC (10.86.0.0/16) overlaps the tunnel (10.86.0.0/24)")],
  },
  {
    title: "the default VPC in a LAN",
    raw: withEc2(good, { peers: { desktop: { subnets: ["172.29.0.0/16"] } } }),
    issues: [overlap("the VPC (172.29.86.0/24) overlaps a LAN behind desktop (172.29.0.0/16)")],
  },
  {
    title: "vpcCidr and subnetId together",
    raw: withEc2({ ...good, vpcCidr: "10.1.0.0/16", subnetId: "subnet-0123456789abcdef0" }),
    issues: [
      [
        "relays.tokyo.ec2.vpcCidr",
        "error",
        "cannot be combined with subnetId: that subnet already has a VPC",
        "remove one of the two",
      ],
    ],
  },
  {
    title: "ec2 that is not a map, and an sshAuthoritySeed that is not encrypted",
    raw: withEc2("t4g.nano", { sshAuthoritySeed: keyPair(3).privateKey }),
    issues: [
      [
        "relays.tokyo.ec2",
        "error",
        "is not a map of keys and values",
        `its keys are ${knownKeys()}`,
      ],
      [
        "relays.tokyo.ec2.adminCidrs",
        "error",
        "is missing: no machine could push to this relay",
        "list the addresses that you log in from, e.g. [203.0.113.7/32]; to find yours: curl -4 https://checkip.amazonaws.com",
      ],
      [
        "relays.tokyo.ec2.authorizedKeys",
        "error",
        "is missing, and so is sshPrivateKey: no key could log in",
        "add the output of `ssh-add -L`, or the line in ~/.ssh/id_ed25519.pub",
      ],
      [
        "sshAuthoritySeed",
        "error",
        "is not encrypted in the stack file, so it is no longer secret",
        "make a new one, and set it with: npx pulumi config set --secret --path wireguard-mesh:sshAuthoritySeed",
      ],
    ],
  },
];

function overlap(message: string): Row["issues"][number] {
  const remedy = "set vpcCidr to a free prefix from /16 to /28, e.g. 172.30.86.0/24";
  return ["relays.tokyo.ec2.vpcCidr", "error", message, remedy];
}

function knownKeys(): string {
  return "instanceType, adminCidrs, allowPublicSsh, image, imageGeneration, vpcCidr, subnetId, protect, tags, authorizedKeys";
}
