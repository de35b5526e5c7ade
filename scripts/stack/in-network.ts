/** Finds out whether this machine is in the network. */
import { networkInterfaces } from "node:os";
import { addressesOf } from "../../mesh/config/config";
import type { Plan } from "../../mesh/plan/plan";

/** Whether this machine has the tunnel address of a node. `own`: the addresses of this machine; for tests. */
export function isInNetwork({ nodes }: Plan, own: readonly string[] = ownAddresses()): boolean {
  return nodes.some((node) => addressesOf(node).some(({ text }) => own.includes(text)));
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).map(({ address }) => address),
  );
}
