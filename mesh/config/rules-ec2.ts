/** Rules about relays that the program makes on EC2: who may log in, and that their network collides with none of ours. */
import { overlaps, parsePrefix, type Prefix } from "../addresses";
import { lansOf, type Draft, type NodeDraft, type Tunnels } from "./draft";
import { ec2Defaults, type Ec2Spec } from "./ec2";
import type { RawEc2 } from "./ec2-shape";
import { innerPrefixes } from "./inner-prefixes";
import { publicKeyOfPrivate } from "../ssh-identity";
import { error, type Issue } from "./issue";

/** `tunnels` is null where the network's prefixes could not be read. */
export function ec2Issues(draft: Draft, tunnels: Tunnels | null): Issue[] {
  const made = draft.nodes.flatMap((node) => (node.ec2 === null ? [] : [{ node, ec2: node.ec2 }]));
  return [
    ...made.flatMap(({ node }) => machineOfItsOwn(node)),
    ...made.flatMap(({ node, ec2 }) => adminIssues(`${node.path}.ec2`, ec2)),
    ...made.flatMap(({ node, ec2 }) => vpcIssues(`${node.path}.ec2`, ec2, draft, tunnels)),
    ...made.flatMap(({ node, ec2 }) => loginIssues(`${node.path}.ec2`, ec2, draft)),
    ...(made.length === 0 ? [] : authorityIssues(draft)),
  ];
}

/** The instance with every default in its place; null for a node that is none. */
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

function machineOfItsOwn({ fields, path }: NodeDraft): Issue[] {
  return (["host", "hostKey"] as const)
    .filter((key) => fields[key] !== undefined)
    .map((key) =>
      error(
        `${path}.${key}`,
        "cannot stand beside ec2: the program makes that machine, and knows how to log in to it",
        `remove ${key}, or remove ec2 to use a machine that is there already`,
      ),
    );
}

function adminIssues(path: string, ec2: Partial<RawEc2>): Issue[] {
  if (ec2.adminCidrs === undefined) {
    const remedy =
      "name where you log in from, e.g. [203.0.113.7/32]; your address: curl -4 https://checkip.amazonaws.com";
    return [error(`${path}.adminCidrs`, "is missing: nobody could push to this relay", remedy)];
  }
  if (ec2.allowPublicSsh === true) return [];
  return ec2.adminCidrs.flatMap((prefix, at) =>
    isPublic(prefix)
      ? [
          error(
            `${path}.adminCidrs[${at}]`,
            `${prefix.text} lets the internet try to log in`,
            "name your own addresses, e.g. 203.0.113.7/32; if it must be so: allowPublicSsh: true",
          ),
        ]
      : [],
  );
}

/** Two halves of the internet are the internet: no single holder has so short a prefix (IANA gives out /8 and /12). */
function isPublic(prefix: Prefix): boolean {
  return prefix.length < (prefix.family === 4 ? 8 : 12);
}

/** The prefix would lead to two places: into the VPC, whose resolver and router are in it, and into the tunnel. */
function vpcIssues(
  path: string,
  ec2: Partial<RawEc2>,
  draft: Draft,
  tunnels: Tunnels | null,
): Issue[] {
  if (ec2.subnetId !== undefined) {
    if (ec2.vpcCidr === undefined) return [];
    const message = "cannot stand beside subnetId: that subnet has a VPC already";
    return [error(`${path}.vpcCidr`, message, "remove one of the two")];
  }
  const vpc = vpcCidrOf(ec2);
  const overlap =
    vpc === null
      ? undefined
      : innerPrefixes(lansOf(draft.nodes), tunnels).find((inner) => overlaps(inner.prefix, vpc));
  if (vpc === null || overlap === undefined) return [];
  const message = `${vpc.text}, the VPC's, overlaps ${overlap.prefix.text}, ${overlap.of}`;
  return [
    error(
      `${path}.vpcCidr`,
      message,
      "set vpcCidr to a free prefix from /16 to /28, e.g. 172.30.86.0/24",
    ),
  ];
}

/** Without `authorizedKeys` it is the public half of the stack's own key that logs in. */
function loginIssues(path: string, ec2: Partial<RawEc2>, { secrets }: Draft): Issue[] {
  const own = secrets.sshPrivateKey;
  if (ec2.authorizedKeys !== undefined || own === null || own?.isSealed === true) return [];
  if (own !== undefined && publicKeyOfPrivate(own) !== null) return [];
  const message =
    own === undefined
      ? "is missing, and there is no sshPrivateKey either: nobody could log in"
      : "is missing, and the public half of sshPrivateKey cannot be read out of it";
  const remedy = "add the lines that `ssh-add -L` prints, or the line of ~/.ssh/id_ed25519.pub";
  return [error(`${path}.authorizedKeys`, message, remedy)];
}

function authorityIssues({ secrets }: Draft): Issue[] {
  if (secrets.sshAuthoritySeed !== undefined) return [];
  return [
    error(
      "sshAuthoritySeed",
      "is missing: the host keys of ec2 relays are signed by an authority that comes from it",
      "make one: wg genpsk | pulumi config set --secret wireguard-mesh:sshAuthoritySeed",
    ),
  ];
}
