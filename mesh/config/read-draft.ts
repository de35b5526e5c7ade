/** Reads the raw config into a draft of its valid parts, with an issue for every other part. */
import { Secret } from "../secret";
import { activityOf } from "./activity";
import type { Draft, KeysDraft, NodeDraft, SecretsDraft } from "./draft";
import { ec2Shape } from "./ec2-shape";
import { error, type Issue } from "./issue";
import { Mistake } from "./mistake";
import { expectShape, policyShape } from "./policy-shape";
import { FACTS, RECORDS } from "./sections";
import { SECRET_KEYS, type SecretMap } from "./secret-keys";
import { isMap, nearest, wrongTypeIssue, printable, readShape, unknownKey } from "./shape-issues";
import { networkShape, peerShape, relayShape } from "./shapes";
import { parseName } from "./values";

/**
 * The config by key, without the namespace `wireguard-mesh`. Encrypted values are a `Secret`, sealed or not. A value that the
 * engine would not read as it is written is a `Mistake`.
 */
export type RawConfig = Readonly<Record<string, unknown>>;

const keysOfRelays = { kind: "relay", keys: Object.keys(relayShape.shape) };
const keysOfPeers = { kind: "peer", keys: Object.keys(peerShape.shape) };

/** `now` is in milliseconds since 1970; a node whose `expires` is earlier is not active. */
export function readDraft(written: RawConfig, now: number): { draft: Draft; issues: Issue[] } {
  const issues = topLevelIssues(written);
  const raw = withoutEncryptedFacts(written, issues);
  const network = readShape(networkShape, raw["network"] ?? {}, ["network"], issues);
  const relays = readNodes("relay", raw["relays"] ?? {}, now, issues);
  const peers = readNodes("peer", raw["peers"] ?? {}, now, issues);
  issues.push(...sharedNames(relays, peers));
  const nodes = [...relays, ...peers].sort((a, b) => (a.name < b.name ? -1 : 1));
  const draft = {
    network,
    nodes,
    relays: nodes.filter(({ kind }) => kind === "relay"),
    lacksNodes: isMisspelled("relays", written) || isMisspelled("peers", written),
    policy: readPolicy(raw, issues),
    expect: readExpect(raw["expect"] ?? [], issues),
    secrets: readSecrets(raw, issues),
  };
  return { draft, issues };
}

const KNOWN: readonly string[] = [...Object.keys(FACTS), ...SECRET_KEYS, ...Object.keys(RECORDS)];

const unknownKeys = (raw: RawConfig): string[] =>
  Object.keys(raw).filter((key) => !KNOWN.includes(key));

const isUnset = (key: string, raw: RawConfig): boolean => (raw[key] ?? null) === null;

/** Whether a key is not set, but an unknown one seems to mean it. */
function isMisspelled(key: string, raw: RawConfig): boolean {
  return isUnset(key, raw) && unknownKeys(raw).some((unknown) => nearest(unknown, KNOWN) === key);
}

function topLevelIssues(raw: RawConfig): Issue[] {
  const issues = unknownKeys(raw).map((key) => unknownKey([], key, KNOWN));
  if (isUnset("peers", raw) && !isMisspelled("peers", raw)) {
    issues.push(
      error(
        "peers",
        "is missing: a network needs peers",
        "add one: npx wireguard-mesh add-peer NAME",
      ),
    );
  }
  return issues;
}

/** Drops encrypted parts that must be readable in a review, so that each is one mistake instead of many. */
function withoutEncryptedFacts(raw: RawConfig, issues: Issue[]): RawConfig {
  const encrypted = Object.keys(FACTS).filter((key) => raw[key] instanceof Secret);
  for (const key of encrypted) {
    const message =
      "is encrypted, in whole or in part, but names, addresses and public keys are not secret";
    issues.push(
      error(key, message, "set it again without --secret; private keys belong in privateKeys"),
    );
  }
  return Object.fromEntries(Object.entries(raw).filter(([key]) => !encrypted.includes(key)));
}

function readNodes(
  kind: "relay" | "peer",
  input: unknown,
  now: number,
  issues: Issue[],
): NodeDraft[] {
  const group = `${kind}s`;
  if (!isMap(input)) {
    const remedy = `write ${group}: { NAME: { address: ..., ... } }`;
    issues.push(wrongTypeIssue(group, input, "is not a map of names and nodes", remedy));
    return [];
  }
  const [shape, others] = kind === "relay" ? [relayShape, keysOfPeers] : [peerShape, keysOfRelays];
  return Object.entries(input).flatMap(([name, value]) => {
    const named = nameIssues(group, name);
    issues.push(...named);
    if (named.length > 0) return [];
    const path = [group, name];
    const fields = readShape(shape, value, path, issues, others);
    const activity = activityOf(fields, `${group}.${name}`, now);
    issues.push(...activity.issues);
    return [
      {
        name,
        kind,
        path: `${group}.${name}`,
        active: activity.active,
        fields,
        ec2: kind === "relay" ? readEc2(value, path, issues) : null,
      },
    ];
  });
}

function readEc2(relay: unknown, path: PropertyKey[], issues: Issue[]): NodeDraft["ec2"] {
  const input = isMap(relay) ? relay["ec2"] : undefined;
  if (input === undefined || input === null) return null;
  return readShape(ec2Shape, input, [...path, "ec2"], issues);
}

function nameIssues(group: string, name: string): Issue[] {
  try {
    parseName(name);
    return [];
  } catch (problem) {
    if (!(problem instanceof Mistake)) throw problem;
    return [error(`${group}.${printable(name)}`, problem.message, problem.remedy)];
  }
}

function sharedNames(relays: NodeDraft[], peers: NodeDraft[]): Issue[] {
  return peers
    .filter((peer) => relays.some((relay) => relay.name === peer.name))
    .map((peer) =>
      error(peer.path, "is also the name of a relay", "give one of the two another name"),
    );
}

/** An empty value is an error: an absent policy allows everything, an empty list nothing, and it could mean either. */
function readPolicy(raw: RawConfig, issues: Issue[]): Draft["policy"] {
  const input = raw["policy"];
  if (input === undefined) return undefined;
  if (!Array.isArray(input)) {
    const remedy =
      'write a list: [ { from: ["tag:admin"], to: ["*"] } ]; [] allows nothing; without policy, everything is allowed';
    issues.push(wrongTypeIssue("policy", input, "is not a list", remedy));
    return [];
  }
  return input.map((entry, index) => readShape(policyShape, entry, ["policy", index], issues));
}

function readExpect(input: unknown, issues: Issue[]): Draft["expect"] {
  if (!Array.isArray(input)) {
    const remedy = "write a list: [ { from: laptop, to: desktop, reach: true } ]";
    issues.push(wrongTypeIssue("expect", input, "is not a list", remedy));
    return [];
  }
  return input.map((entry, index) => readShape(expectShape, entry, ["expect", index], issues));
}

function readSecrets(raw: RawConfig, issues: Issue[]): SecretsDraft {
  return {
    privateKeys: readKeys("privateKeys", raw, issues),
    formerPrivateKeys: readKeys("formerPrivateKeys", raw, issues),
    presharedKeys: readKeys("presharedKeys", raw, issues),
    presharedKeySeed: secretOf(raw["presharedKeySeed"]),
    sshPrivateKey: secretOf(raw["sshPrivateKey"]),
    sshAuthoritySeed: secretOf(raw["sshAuthoritySeed"]),
  };
}

function readKeys(key: SecretMap, raw: RawConfig, issues: Issue[]): KeysDraft {
  const input = raw[key];
  if (input instanceof Secret && input.isSealed) return "all";
  if (input === undefined || input === null) return new Map();
  if (isMap(input) && !(input instanceof Secret)) {
    return new Map(Object.entries(input).map(([name, value]) => [name, secretOf(value) ?? null]));
  }
  const remedy = `set each one with: npx pulumi config set --secret --path wireguard-mesh:${key}.${key === "presharedKeys" ? "A/B" : "NAME"}`;
  issues.push(error(key, "is not a map of names and keys", remedy));
  return new Map();
}

/** Undefined if not set, null if not encrypted. */
function secretOf(value: unknown): Secret | null | undefined {
  if (value === undefined || value === null) return undefined;
  return value instanceof Secret ? value : null;
}
