/** The names of nodes under the domain of the network, and who answers for them. */
import type { Node } from "../config/config";
import type { Plan } from "./plan";

/**
 * `NAME ADDRESS [ADDRESS6]` of every node. IPv6 addresses only for a node that has one itself: others would try an address
 * that they cannot reach.
 */
export function namesKnownBy(node: Node, nodes: readonly Node[]): string[] {
  return nodes.map(({ name, address, address6 }) => {
    const ipv6 = address6 === null || node.address6 === null ? [] : [address6.text];
    return [name, address.text, ...ipv6].join(" ");
  });
}

/** `NAME.DOMAIN ADDRESS [ADDRESS6]`, one line for each node; null without a domain. */
export function namesText({ network, nodes }: Pick<Plan, "network" | "nodes">): string | null {
  const { domain } = network;
  if (domain === undefined) return null;
  return nodes
    .map(({ name, address, address6 }) =>
      [`${name}.${domain}`, address.text, ...(address6 === null ? [] : [address6.text])].join(" "),
    )
    .map((line) => `${line}\n`)
    .join("");
}
