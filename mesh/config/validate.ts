/** Validates the raw config: shapes first, then the rules across nodes, reporting all mistakes together. */
import type { Expectation, MeshConfig, Node, Subnet } from "./config";
import { homeOf, hostsOf, rangesOf, tunnelsOf, type Draft, type NodeDraft } from "./draft";
import { error, hasErrors, type Issue } from "./issue";
import { linksWithKey } from "./link-keys";
import { custodyOf, hasKey, nodeKeysOf } from "./node-keys";
import { quote } from "./mistake";
import { mergePorts } from "./ports";
import { readDraft, type RawConfig } from "./read-draft";
import { addressIssues } from "./rules-addresses";
import { ec2Issues, ec2Of } from "./rules-ec2";
import { diallingIssues, endpointOf, listenPortOf } from "./rules-dialling";
import { domainIssues } from "./rules-domain";
import { exitIssues } from "./rules-exits";
import { hostIssues } from "./rules-hosts";
import { mappedLanIssues, ownPrefixIssue } from "./rules-mapped-lans";
import { policyIssues, policyOf } from "./rules-policy";
import { presharedKeyIssues } from "./rules-preshared-keys";
import { rangeIssues } from "./rules-ranges";
import { rotationIssues, rotationPortOf } from "./rules-rotation";
import { secretIssues } from "./rules-secrets";
import { nearest } from "./shape-issues";
import { networkDefaults } from "./shapes";

interface Validation {
  /** Null if an issue is an error. */
  config: MeshConfig | null;
  issues: Issue[];
}

/** `now` is in milliseconds since 1970; a node whose `expires` is earlier is left out. */
export function validateConfig(raw: RawConfig, now: number): Validation {
  const { draft, issues } = readDraft(raw, now);
  const invalid = new Set(issues.map(({ path }) => path.replace(/\[\d+\]$/, "")));
  // An invalid cidr is one mistake, not one for each address outside the default.
  const invalidNetwork = ["network", "network.cidr", "network.cidr6"].some((path) =>
    invalid.has(path),
  );
  const tunnels = invalidNetwork ? null : tunnelsOf(draft);
  const ruleIssues = [
    ...addressIssues(draft, tunnels),
    ...rangeIssues(draft, tunnels),
    ...rotationIssues(draft),
    ...mappedLanIssues(draft, tunnels),
    ...exitIssues(draft),
    ...hostIssues(draft, tunnels),
    ...diallingIssues(draft, tunnels),
    ...ec2Issues(draft, tunnels),
    ...domainIssues(draft),
    ...secretIssues(draft),
    ...presharedKeyIssues(draft),
    ...policyIssues(draft),
    ...expectIssues(draft),
  ];
  // An invalid value is absent for the rules, which must not report it as missing too.
  issues.push(...ruleIssues.filter(({ path }) => !invalid.has(path)));
  return { config: hasErrors(issues) ? null : configOf(draft), issues };
}

function expectIssues(draft: Draft): Issue[] {
  const names = draft.nodes.map((node) => node.name);
  const lans = draft.nodes.flatMap((node) => node.fields.subnets ?? []);
  return draft.expect.flatMap(({ from, to }, index) => [
    ...unknownTarget(`expect[${index}].from`, from, names, []),
    ...unknownTarget(`expect[${index}].to`, to, names, lans),
  ]);
}

function unknownTarget(
  path: string,
  name: string | undefined,
  names: string[],
  lans: Subnet[],
): Issue[] {
  const known = [...names, ...lans.map(({ text }) => text)];
  if (name === undefined || known.includes(name)) return [];
  const mapped = ownPrefixIssue(path, name, lans);
  if (mapped !== null) return [mapped];
  const near = nearest(name, known);
  return [
    error(
      path,
      `${quote(name)} is neither a node nor a LAN behind one`,
      near === undefined ? `known: ${known.join(", ")}` : `did you mean ${near}?`,
    ),
  ];
}

function configOf(draft: Draft): MeshConfig {
  const { network } = draft;
  const active = draft.nodes.filter((node) => node.active);
  const linkKeys = linksWithKey(draft.secrets.presharedKeys);
  return {
    network: {
      ...tunnelsOf(draft),
      interface: network.interface ?? networkDefaults.interface,
      listenPort: network.listenPort ?? networkDefaults.listenPort,
      persistentKeepalive: network.persistentKeepalive ?? networkDefaults.persistentKeepalive,
      mtu: network.mtu ?? null,
      topology: network.topology ?? networkDefaults.topology,
      ...(network.domain === undefined ? {} : { domain: network.domain }),
    },
    nodes: active.map((node) => nodeOf(node, draft)),
    policy: policyOf(draft),
    expect: draft.expect.flatMap(expectationOf),
    presharedKeys: draft.secrets.presharedKeySeed !== undefined,
    ...(linkKeys.size === 0 ? {} : { linkKeys }),
  };
}

function expectationOf({ from, to, ports, reach }: Draft["expect"][number]): Expectation[] {
  if (from === undefined || to === undefined || reach === undefined) return [];
  return [{ from, to, ports: ports === undefined ? null : mergePorts(ports), reach }];
}

/** Leaves out what is not set, so that the plans of networks without these features do not change. */
function exitFieldsOf(fields: NodeDraft["fields"]) {
  const { masquerade, exit, exitCheck, routeAll, blockIpv6, dns } = fields;
  return {
    ...(masquerade === true ? { masquerade } : {}),
    ...(exit === true ? { exit } : {}),
    ...(exitCheck === undefined ? {} : { exitCheck }),
    ...(routeAll === true ? { routeAll } : {}),
    ...(blockIpv6 === true ? { blockIpv6 } : {}),
    ...(dns === undefined ? {} : { dnsServers: dns }),
  } as const;
}

function nodeOf(node: NodeDraft, draft: Draft): Node {
  const { fields, kind, name } = node;
  const { address } = fields;
  const keys = nodeKeysOf(node, draft);
  if (address === undefined || keys === null) throw new Error(`${node.path} was not validated`);
  const endpoint = endpointOf(node, draft);
  const ranges = rangesOf(node);
  const dialled = endpoint !== null || fields.siteEndpoint !== undefined;
  return {
    name,
    kind,
    address,
    address6: fields.address6 ?? null,
    ...keys,
    custody: custodyOf(node, draft),
    formerKey: keys.ownKey === "next" && hasKey(draft.secrets.formerPrivateKeys, name),
    rotationPort: rotationPortOf(node, draft),
    hosts: hostsOf(node),
    hostKeys: fields.hostKey ?? [],
    endpoint,
    listenPort: dialled ? listenPortOf(node, draft) : (fields.listenPort ?? null),
    site: fields.site ?? null,
    siteEndpoint: fields.siteEndpoint ?? null,
    subnets: fields.subnets ?? [],
    ...(ranges.length === 0 ? {} : { peerRanges: ranges }),
    ...exitFieldsOf(fields),
    persistentKeepalive: fields.persistentKeepalive ?? null,
    mtu: fields.mtu ?? null,
    tags: fields.tags ?? [],
    ec2: ec2Of(node),
    relay: homeOf(node, draft),
    ...(fields.expires === undefined ? {} : { expires: fields.expires }),
  };
}
