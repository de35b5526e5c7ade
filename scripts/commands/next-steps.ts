/** What to do after a change of the stack file. */
import type { NodePlan } from "../../mesh/plan/plan";

/** Lines of the form `COMMAND   # what it does`; a node that takes no part yet has the general ones only. */
export function nextSteps(name: string, node: NodePlan | undefined): string[] {
  const steps = [
    "npx wireguard-mesh preview   # see what will change, on which machine",
    "npx wireguard-mesh up        # carry it out",
  ];
  if (node === undefined || node.hosts.length > 0) return [...steps, ...routeStep(node)];
  const handOver =
    node.custody === "device"
      ? `npx wireguard-mesh config ${name}   # then: its config, for the device to add its own key`
      : `npx wireguard-mesh qr ${name}   # then: its config to scan; as a file: npx wireguard-mesh config ${name} --out ${name}.conf`;
  return [...steps, handOver, ...routeStep(node)];
}

function routeStep(node: NodePlan | undefined): string[] {
  if (node === undefined || node.subnets.length === 0) return [];
  return ["npx wireguard-mesh plan      # lists the routes that the LAN's router needs"];
}
