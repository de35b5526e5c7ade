/** The machines of a raw network, as input for the router of cryptokey-router.ts. */
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { interfaceKey } from "../../mesh/plan/rotation";
import { renderFilter } from "../../mesh/render/filter";
import { renderRedacted, renderRedactedAlternate } from "../../mesh/render/render";
import type { RoutedMachine } from "./cryptokey-router";
import type { RawNetwork, RawNode } from "./networks";

export function machinesOf(raw: RawNetwork, plan: Plan): RoutedMachine[] {
  const written: Record<string, RawNode | undefined> = { ...raw.relays, ...raw.peers };
  const port = textsOf(raw.network["listenPort"] ?? 51820).join();
  return plan.nodes.map((node) => {
    const fields = written[node.name] ?? {};
    return {
      name: node.name,
      publicKey: interfaceKey(node),
      text: renderRedacted(node, plan.network),
      ...secondOf(node, plan),
      pairs: node.rotation?.pairs ?? [],
      forwarding: node.forwarding,
      ...filterOf(node, plan),
      lans: textsOf(fields["subnets"]),
      outer: [...textsOf(fields["endpoint"]), ...ownHost(node.kind, fields, port)],
      site: typeof fields["site"] === "string" ? fields["site"] : null,
      outerAtSite: textsOf(fields["siteEndpoint"]),
    };
  });
}

function filterOf(node: NodePlan, { network }: Plan): Pick<RoutedMachine, "filter"> {
  const text = renderFilter(node, network);
  return text === null ? {} : { filter: { text, interface: network.interface } };
}

function secondOf(node: NodePlan, plan: Plan): Pick<RoutedMachine, "second"> {
  const text = renderRedactedAlternate(node, plan.network);
  if (text === null || node.alternate === null) return {};
  return { second: { publicKey: node.alternate.publicKey, text } };
}

/** A relay without an endpoint is dialled at its SSH address. */
function ownHost(kind: string, fields: RawNode, port: string): string[] {
  if (kind === "peer" || fields["endpoint"] !== undefined) return [];
  const listens = textsOf(fields["listenPort"] ?? port).join();
  return textsOf(fields["host"])
    .filter((host) => host !== "local" && !host.includes("@via:"))
    .map((host) => `${host.slice(host.indexOf("@") + 1)}:${listens}`);
}

/** A value or a list of values as a list of texts. */
function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  return typeof value === "string" || typeof value === "number" ? [`${value}`] : [];
}
