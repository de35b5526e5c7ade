/** The targets that `ssh NODE` tries: those of a push, then the tunnel, directly and through each relay. */
import type { Node } from "../config/config";
import type { HostTarget } from "../push-request";
import { hostTargets, jumpHop, tunnelHop } from "./host-targets";
import type { NodePlan, Plan } from "./plan";

/**
 * The targets in the order to try: those of `host` in their order, the tunnel through the home relay, through the other relays,
 * and without a jump. The tunnel without a jump comes before all jumps if this machine is in the network (`isInside`). Empty for
 * a node without a host, because no account there is known. `authorityKey` is as for hostTargets.
 */
export function sshTargets(
  node: NodePlan,
  plan: Plan,
  authorityKey: string | null,
  isInside: boolean,
): HostTarget[] {
  const own = hostTargets(node, plan, authorityKey);
  const user = node.hosts.flatMap((host) => (host.kind === "local" ? [] : [host.user]))[0];
  if (user === undefined) return own;
  const hop = tunnelHop(node, user, authorityKey);
  const jumps = relaysFor(node, plan).map((relay): HostTarget => {
    return { kind: "ssh", hop, via: [jumpHop(relay.name, plan, authorityKey)] };
  });
  const tunnel: HostTarget = { kind: "ssh", hop, via: [] };
  const all = [...own, ...jumps];
  const firstJump = all.findIndex((target) => target.kind === "ssh" && target.via.length > 0);
  const place = isInside && firstJump !== -1 ? firstJump : all.length;
  return unique([...all.slice(0, place), tunnel, ...all.slice(place)]);
}

/** The relays that can be a jump, its home relay first. */
function relaysFor(node: Node, { nodes }: Plan): NodePlan[] {
  const relays = nodes.filter(
    ({ kind, name, hosts }) =>
      kind === "relay" && name !== node.name && hosts.some((host) => host.kind === "ssh"),
  );
  const isHome = ({ name }: Node): boolean => name === node.relay;
  return [...relays.filter(isHome), ...relays.filter((relay) => !isHome(relay))];
}

function unique(targets: HostTarget[]): HostTarget[] {
  return [...new Map(targets.map((target) => [JSON.stringify(target), target])).values()];
}
