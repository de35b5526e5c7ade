/** Decides what a removal does on a host. */
import type { PushRequest } from "../push-request";
import { forwardingToEnd } from "./kernel-settings";
import type { Observation } from "./observation";
import type { Owner } from "./records";

export type Removal =
  /** There is nothing of wireguard-mesh. */
  | { kind: "absent" }
  /** It belongs to another stack, node or machine. */
  | { kind: "left"; owner: Owner }
  /** `sysctls`: forwarding to switch off. */
  | { kind: "remove"; sysctls: string[]; notes: string[] };

export function decideRemoval(
  observed: Observation,
  request: Pick<PushRequest, "owner" | "node" | "machine" | "interface">,
): Removal {
  const { owner } = observed.records;
  if (owner === null) return { kind: "absent" };
  const isOwn =
    owner.stack === request.owner &&
    owner.node === request.node &&
    owner.machine === request.machine;
  if (!isOwn && !owner.released) return { kind: "left", owner };
  const { keys, notes } = forwardingToEnd(observed, request.interface);
  return { kind: "remove", sysctls: keys, notes };
}
