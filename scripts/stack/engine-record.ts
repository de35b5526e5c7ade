/** Reads the recorded network from the resources in the engine's events or in the stack's state. */
import { isMap } from "../../mesh/config/shape-issues";
import type { Reachability } from "../../mesh/plan/reachability";
import { NOTHING, type NetworkRecord, type NodeRecord } from "../../mesh/review/record";

/** A resource in an event or in a state. */
export interface RecordedResource {
  urn: string;
  type: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
}

export const PUSH_TYPE = "command:local:Command";
export const NODE_TYPES = ["wireguard-mesh:index:Peer", "wireguard-mesh:index:Relay"];
const NETWORK_TYPE = "wireguard-mesh:index:Network";
const STACK_TYPE = "pulumi:pulumi:Stack";

export function recordFrom(resources: readonly RecordedResource[]): NetworkRecord {
  const pushed = new Set(
    resources.filter(({ type }) => type === PUSH_TYPE).map(({ urn }) => nodeOf(urn)),
  );
  const nodes = resources
    .filter(({ type }) => NODE_TYPES.includes(type))
    .map((resource) => nodeRecord(resource, pushed));
  const network = resources.find(({ type }) => type === NETWORK_TYPE);
  const reachability = network === undefined ? NOTHING.reachability : pathsIn(network.inputs);
  const names = network?.inputs["names"];
  return { nodes: new Map(nodes), reachability, names: typeof names === "string" ? names : null };
}

/** The output `outdated`: by node that needs a config, the reasons; null if unknown until the run. */
export function outdatedIn(resources: readonly RecordedResource[]): Map<string, string[]> | null {
  const stack = resources.find(({ type }) => type === STACK_TYPE);
  const outdated = stack?.outputs["outdated"];
  if (!isMap(outdated)) return null;
  return new Map(
    Object.entries(outdated).map(([node, why]) => [
      node,
      Array.isArray(why) ? why.map(String) : [],
    ]),
  );
}

/** Undefined if the value is not a resource. */
export function resourceIn(value: unknown): RecordedResource | undefined {
  if (!isMap(value)) return undefined;
  const { urn, type, inputs, outputs } = value;
  if (typeof urn !== "string" || typeof type !== "string") return undefined;
  return { urn, type, inputs: isMap(inputs) ? inputs : {}, outputs: isMap(outputs) ? outputs : {} };
}

/** `state` is the output of `pulumi stack export`. Leaves out the resources of former machines. */
export function resourcesInState(state: string): RecordedResource[] {
  return recorded(state, false);
}

/** The resources of former machines, marked `delete`, which the engine will delete. */
export function formerResourcesInState(state: string): RecordedResource[] {
  return recorded(state, true);
}

function recorded(state: string, isFormer: boolean): RecordedResource[] {
  const parsed: unknown = JSON.parse(state);
  const deployment = isMap(parsed) ? parsed["deployment"] : undefined;
  const resources = isMap(deployment) ? deployment["resources"] : undefined;
  return (Array.isArray(resources) ? (resources as unknown[]) : [])
    .filter((one) => (isMap(one) && one["delete"] === true) === isFormer)
    .flatMap((one) => resourceIn(one) ?? []);
}

/** The last part of a URN is the resource's name: `desktop`, `desktop-push` or `desktop-push-command`. */
export function nodeOf(urn: string): string {
  return urn.slice(urn.lastIndexOf("::") + 2).replace(/-push(-command)?$/, "");
}

function nodeRecord(
  { urn, type, inputs }: RecordedResource,
  pushed: ReadonlySet<string>,
): [string, NodeRecord] {
  const { config, alternate, forwarding, filter } = inputs;
  const name = nodeOf(urn);
  const record: NodeRecord = {
    kind: type === "wireguard-mesh:index:Relay" ? "relay" : "peer",
    config: typeof config === "string" ? config : "",
    alternate: typeof alternate === "string" ? alternate : null,
    forwarding: typeof forwarding === "string" ? forwarding : "none",
    filter: typeof filter === "string" ? filter : null,
    pushed: pushed.has(name),
  };
  return [name, record];
}

function pathsIn({ groups, paths, lans, policy, exits }: Record<string, unknown>): Reachability {
  const entries = Object.entries(isMap(groups) ? groups : {});
  if (entries.some(([, members]) => Array.isArray(members)))
    return formerPaths(entries, paths, lans);
  return {
    groups: textsIn(groups),
    paths: textsIn(paths),
    lans: textsIn(lans),
    ...(Array.isArray(policy) ? { policy: policy.map(String) } : {}),
    ...(exits === undefined ? {} : { exits: textsIn(exits) }),
  };
}

/** Version 0.1.0 recorded groups as lists of nodes, and named the group of a relay `relay NAME`. */
function formerPaths(groups: [string, unknown][], paths: unknown, lans: unknown): Reachability {
  const renamed = (group: string) => group.replace(/^relay /, "");
  const members = groups.flatMap(([group, nodes]) =>
    (Array.isArray(nodes) ? nodes : []).map((node) => [String(node), renamed(group)] as const),
  );
  const ways = Object.entries(textsIn(paths)).map(
    ([pair, path]) => [pair.split(" -> ").map(renamed).join(" -> "), path] as const,
  );
  return {
    groups: Object.fromEntries(members),
    paths: Object.fromEntries(ways),
    lans: textsIn(lans),
  };
}

function textsIn(value: unknown): Record<string, string> {
  const entries = Object.entries(isMap(value) ? value : {});
  return Object.fromEntries(entries.filter(([, text]) => typeof text === "string")) as Record<
    string,
    string
  >;
}
