/** The events of a preview as the engine writes them (3.276.0), for a network that changes from one plan to another. */
import type { Plan } from "../../../mesh/plan/plan";
import { recordOf } from "../../../mesh/review/record";

interface State {
  urn: string;
  type: string;
  inputs: object;
  outputs: object;
}

const NODE = { relay: "wireguard-mesh:index:Relay", peer: "wireguard-mesh:index:Peer" } as const;

/** `outdated`: the stack's output of that name after the run. */
export function previewEvents(
  before: Plan | null,
  after: Plan,
  outdated: Record<string, string[]> = {},
): string {
  const old = new Map(before === null ? [] : statesOf(before).map((state) => [state.urn, state]));
  const now = new Map(statesOf(after).map((state) => [state.urn, state]));
  const urns = [...new Set([...old.keys(), ...now.keys()])];
  const steps = urns.map((urn) => {
    const [was, is] = [old.get(urn) ?? null, now.get(urn) ?? null];
    const isSame = JSON.stringify(was?.inputs) === JSON.stringify(is?.inputs);
    const op = was === null ? "create" : is === null ? "delete" : isSame ? "same" : "update";
    const { type } = is ?? was ?? { type: "" };
    const metadata = { op, urn, type, old: was, new: is };
    return { resourcePreEvent: { metadata, planning: true } };
  });
  const stack = state("pulumi:pulumi:Stack", "wireguard-mesh-test", {}, { outdated });
  const { urn, type } = stack;
  const outputs = { resOutputsEvent: { metadata: { op: "same", urn, type, new: stack } } };
  const summary = { summaryEvent: { isPreview: true, resourceChanges: {} } };
  return [...steps, outputs, summary].map((event) => `${JSON.stringify(event)}\n`).join("");
}

/** As `pulumi stack export` prints it. */
export function stateOf(plan: Plan): string {
  return JSON.stringify({ version: 3, deployment: { resources: statesOf(plan) } });
}

function statesOf(plan: Plan): State[] {
  const { nodes, reachability } = recordOf(plan);
  const components = [...nodes].flatMap(
    ([name, { kind, config, alternate, forwarding, filter, pushed }]) => {
      const second = alternate === null ? {} : { alternate };
      const table = filter === null ? {} : { filter };
      const component = state(NODE[kind], name, { config, ...second, forwarding, ...table });
      // Its stdin is encrypted; here it stands for what the config does not show.
      const push = state("command:local:Command", `${name}-push-command`, { stdin: config });
      return [component, ...(pushed ? [push] : [])];
    },
  );
  return [state("wireguard-mesh:index:Network", "network", { ...reachability }), ...components];
}

function state(type: string, name: string, inputs: object, outputs = {}): State {
  return { urn: `urn:pulumi:test::wireguard-mesh::${type}::${name}`, type, inputs, outputs };
}
