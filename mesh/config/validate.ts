/** The one way from raw config to a network: shapes, then the rules across nodes, every mistake at once. */
import { compareAddresses } from "../addresses";
import type { Expectation, MeshConfig, Node } from "./config";
import { hostsOf, networkDefaults, tunnelsOf, type Draft, type NodeDraft } from "./draft";
import { error, hasErrors, type Issue } from "./issue";
import { custodyOf, holds, nodeKeysOf } from "./node-keys";
import { readDraft, type RawConfig } from "./read-draft";
import { addressIssues } from "./rules-addresses";
import { ec2Issues, ec2Of } from "./rules-ec2";
import { diallingIssues, endpointOf, listenPortOf } from "./rules-dialling";
import { hostIssues } from "./rules-hosts";
import { rotationIssues, rotationPortOf } from "./rules-rotation";
import { secretIssues } from "./rules-secrets";
import { nearest } from "./shape-issues";

export interface Validation {
  /** Null as soon as one issue is an error. */
  config: MeshConfig | null;
  issues: Issue[];
}

/** `now`: milliseconds since 1970, against which `expires` is read. */
export function validateConfig(raw: RawConfig, now: number): Validation {
  const { draft, issues } = readDraft(raw, now);
  const unread = new Set(issues.map(({ path }) => path.replace(/\[\d+\]$/, "")));
  // A wrong cidr is one mistake, not one for each address that does not lie in the default.
  const lost = ["network", "network.cidr", "network.cidr6"].some((path) => unread.has(path));
  const tunnels = lost ? null : tunnelsOf(draft);
  const judged = [
    ...addressIssues(draft, tunnels),
    ...rotationIssues(draft),
    ...hostIssues(draft),
    ...diallingIssues(draft, tunnels),
    ...ec2Issues(draft, tunnels),
    ...secretIssues(draft),
    ...expectIssues(draft),
  ];
  // To the rules, what could not be read is absent; it would be called missing beside its own mistake.
  issues.push(...judged.filter(({ path }) => !unread.has(path)));
  return { config: hasErrors(issues) ? null : configOf(draft), issues };
}

function expectIssues(draft: Draft): Issue[] {
  const names = draft.nodes.map((node) => node.name);
  const lans = draft.nodes.flatMap((node) =>
    (node.fields.subnets ?? []).map((prefix) => prefix.text),
  );
  return draft.expect.flatMap(({ from, to }, index) => [
    ...unknownTarget(`expect[${index}].from`, from, names),
    ...unknownTarget(`expect[${index}].to`, to, [...names, ...lans]),
  ]);
}

function unknownTarget(path: string, name: string | undefined, known: string[]): Issue[] {
  if (name === undefined || known.includes(name)) return [];
  const near = nearest(name, known);
  return [
    error(
      path,
      "names no node, and no LAN behind one",
      near === undefined ? `known: ${known.join(", ")}` : `did you mean ${near}?`,
    ),
  ];
}

function configOf(draft: Draft): MeshConfig {
  const { network } = draft;
  const active = draft.nodes.filter((node) => node.active);
  const home = firstRelay(active);
  return {
    network: {
      ...tunnelsOf(draft),
      interface: network.interface ?? networkDefaults.interface,
      listenPort: network.listenPort ?? networkDefaults.listenPort,
      persistentKeepalive: network.persistentKeepalive ?? networkDefaults.persistentKeepalive,
      mtu: network.mtu ?? null,
      topology: network.topology ?? networkDefaults.topology,
    },
    nodes: active.map((node) => nodeOf(node, draft, home)),
    expect: draft.expect.filter((entry): entry is Expectation => entry.reach !== undefined),
    presharedKeys: draft.secrets.presharedKeySeed !== undefined,
  };
}

/**
 * The home of peers that name none. "First" is by tunnel address: the engine hands maps over sorted by name, so the
 * order of the file is not to be had, and by name a later relay `berlin` would take all peers from `tokyo`.
 */
function firstRelay(nodes: NodeDraft[]): string | null {
  const relays = nodes.flatMap(({ name, kind, fields }) =>
    kind === "relay" && fields.address ? [{ name, address: fields.address }] : [],
  );
  return relays.sort((a, b) => compareAddresses(a.address, b.address))[0]?.name ?? null;
}

function nodeOf(node: NodeDraft, draft: Draft, home: string | null): Node {
  const { fields, kind, name } = node;
  const { address } = fields;
  const keys = nodeKeysOf(node, draft);
  if (address === undefined || keys === null) throw new Error(`${node.path} was not validated`);
  const endpoint = endpointOf(node, draft);
  const dialled = endpoint !== null || fields.siteEndpoint !== undefined;
  return {
    name,
    kind,
    address,
    address6: fields.address6 ?? null,
    ...keys,
    custody: custodyOf(node, draft),
    formerKey: keys.ownKey === "next" && holds(draft.secrets.formerPrivateKeys, name),
    rotationPort: rotationPortOf(node, draft),
    hosts: hostsOf(node),
    hostKeys: fields.hostKey ?? [],
    endpoint,
    listenPort: dialled ? listenPortOf(node, draft) : (fields.listenPort ?? null),
    site: fields.site ?? null,
    siteEndpoint: fields.siteEndpoint ?? null,
    subnets: fields.subnets ?? [],
    persistentKeepalive: fields.persistentKeepalive ?? null,
    mtu: fields.mtu ?? null,
    tags: fields.tags ?? [],
    ec2: ec2Of(node),
    relay: kind === "relay" ? null : (fields.relay ?? home),
  };
}
