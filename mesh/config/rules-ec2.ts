/** Rules about ec2 relays: who can log in, and that their VPC overlaps neither the tunnel nor a LAN. */
import { overlaps, parsePrefix, type Prefix } from "../addresses";
import { lansOf, type Draft, type NodeDraft, type Tunnels } from "./draft";
import { ec2Defaults, type Ec2Spec } from "./ec2";
import type { RawEc2 } from "./ec2-shape";
import { innerPrefixes } from "./inner-prefixes";
import { publicKeyOfPrivate } from "../ssh-identity";
import { error, type Issue } from "./issue";

/** `tunnels` is null if the network's prefixes are invalid. */
export function ec2Issues(draft: Draft, tunnels: Tunnels | null): Issue[] {
  const ec2Nodes = draft.nodes.flatMap((node) =>
    node.ec2 === null ? [] : [{ node, ec2: node.ec2 }],
  );
  return [
    ...ec2Nodes.flatMap(({ node }) => hostIssues(node)),
    ...ec2Nodes.flatMap(({ node, ec2 }) => adminIssues(`${node.path}.ec2`, ec2)),
    ...ec2Nodes.flatMap(({ node, ec2 }) => vpcIssues(`${node.path}.ec2`, ec2, draft, tunnels)),
    ...ec2Nodes.flatMap(({ node, ec2 }) => loginIssues(`${node.path}.ec2`, ec2, draft)),
    ...(ec2Nodes.length === 0 ? [] : authorityIssues(draft)),
  ];
}

/** The `ec2` of a validated node with its defaults; null if it has none. */
export function ec2Of({ ec2, path }: NodeDraft): Ec2Spec | null {
  if (ec2 === null) return null;
  if (ec2.adminCidrs === undefined) throw new Error(`${path} was not validated`);
  return {
    instanceType: ec2.instanceType ?? ec2Defaults.instanceType,
    adminCidrs: ec2.adminCidrs,
    allowPublicSsh: ec2.allowPublicSsh ?? false,
    image: ec2.image ?? ec2Defaults.image,
    imageGeneration: ec2.imageGeneration ?? ec2Defaults.imageGeneration,
    vpcCidr: vpcCidrOf(ec2),
    subnetId: ec2.subnetId ?? null,
    protect: ec2.protect ?? false,
    tags: ec2.tags ?? {},
    authorizedKeys: ec2.authorizedKeys ?? null,
  };
}

function vpcCidrOf(ec2: Partial<RawEc2>): Prefix | null {
  if (ec2.subnetId !== undefined) return null;
  return ec2.vpcCidr ?? parsePrefix(ec2Defaults.vpcCidr);
}

function hostIssues({ fields, path }: NodeDraft): Issue[] {
  return (["host", "hostKey"] as const)
    .filter((key) => fields[key] !== undefined)
    .map((key) =>
      error(
        `${path}.${key}`,
        "cannot be combined with ec2: the program creates that machine and knows how to log in to it",
        `remove ${key}, or remove ec2 to use an existing machine`,
      ),
    );
}

function adminIssues(path: string, ec2: Partial<RawEc2>): Issue[] {
  if (ec2.adminCidrs === undefined) {
    const remedy =
      "list the addresses that you log in from, e.g. [203.0.113.7/32]; to find yours: curl -4 https://checkip.amazonaws.com";
    return [error(`${path}.adminCidrs`, "is missing: no machine could push to this relay", remedy)];
  }
  if (ec2.allowPublicSsh === true) return [];
  return ec2.adminCidrs.flatMap((prefix, at) =>
    isTooWide(prefix)
      ? [
          error(
            `${path}.adminCidrs[${at}]`,
            `${prefix.text} lets the whole internet try to log in`,
            "list your own addresses, e.g. 203.0.113.7/32; or, to allow it, set allowPublicSsh: true",
          ),
        ]
      : [],
  );
}

/** Whether a prefix is too wide for SSH logins. IANA allocates no prefix shorter than /8 (IPv4) or /12 (IPv6). */
function isTooWide(prefix: Prefix): boolean {
  return prefix.length < (prefix.family === 4 ? 8 : 12);
}

/** Addresses of the VPC, its resolver and router included, must not be routed into the tunnel. */
function vpcIssues(
  path: string,
  ec2: Partial<RawEc2>,
  draft: Draft,
  tunnels: Tunnels | null,
): Issue[] {
  if (ec2.subnetId !== undefined) {
    if (ec2.vpcCidr === undefined) return [];
    const message = "cannot be combined with subnetId: that subnet already has a VPC";
    return [error(`${path}.vpcCidr`, message, "remove one of the two")];
  }
  const vpc = vpcCidrOf(ec2);
  const overlap =
    vpc === null
      ? undefined
      : innerPrefixes(lansOf(draft.nodes), tunnels).find((inner) => overlaps(inner.prefix, vpc));
  if (vpc === null || overlap === undefined) return [];
  const message = `the VPC (${vpc.text}) overlaps ${overlap.label} (${overlap.prefix.text})`;
  return [
    error(
      `${path}.vpcCidr`,
      message,
      "set vpcCidr to a free prefix from /16 to /28, e.g. 172.30.86.0/24",
    ),
  ];
}

/** Without `authorizedKeys`, the public half of `sshPrivateKey` is authorized. */
function loginIssues(path: string, ec2: Partial<RawEc2>, { secrets }: Draft): Issue[] {
  const own = secrets.sshPrivateKey;
  if (ec2.authorizedKeys !== undefined || own === null || own?.isSealed === true) return [];
  if (own !== undefined && publicKeyOfPrivate(own) !== null) return [];
  const message =
    own === undefined
      ? "is missing, and so is sshPrivateKey: no key could log in"
      : "is missing, and the public half of sshPrivateKey cannot be read from it";
  const remedy = "add the output of `ssh-add -L`, or the line in ~/.ssh/id_ed25519.pub";
  return [error(`${path}.authorizedKeys`, message, remedy)];
}

function authorityIssues({ secrets }: Draft): Issue[] {
  if (secrets.sshAuthoritySeed !== undefined) return [];
  return [
    error(
      "sshAuthoritySeed",
      "is missing: the host keys of ec2 relays are signed by an authority that is derived from it",
      "make one: wg genpsk | npx pulumi config set --secret wireguard-mesh:sshAuthoritySeed",
    ),
  ];
}
