/** The errors for a host that cannot be reached or refuses the login. */
import type { HostAccess, HostTarget } from "../../mesh/push-request";
import { formatWay } from "./attempt";
import { RefusedError, UnreachableError, type FailedWay } from "./push-error";
import type { Failure, FailureKind } from "./ssh-failure";

/** Failures that any other way would have too. A wrong host key is not one: it is another machine. */
export const FINAL: FailureKind[] = ["denied", "no-shell", "no-root"];

export function refusal(node: string, last: Failure, ways: FailedWay[]): RefusedError {
  const others = ways.slice(0, -1).map((way) => `  ${way.through}: ${way.failure.cause}`);
  const [cause = "", ...words] = last.cause.split("\n");
  const lines = [
    `${node}: ${cause}. Nothing was changed there.`,
    ...words,
    ...(others.length === 0 ? [] : ["Tried before it:", ...others]),
    last.remedy,
  ];
  return new RefusedError(lines.join("\n"), last);
}

/** A way `via:RELAY`, to the tunnel address of the host. */
const isTunnel = (target: HostTarget): boolean => target.kind === "ssh" && target.via.length > 0;

const TUNNEL_ONLY =
  "Its only way in is the tunnel, which does not lead to its address, nor to a former one. Is it on? If this change moved the " +
  "relay's endpoint, the host still has the former config: put the former value back, run up, and make the change when it has " +
  "another way in (host takes a list).";

/** The remedy is that of a wrong host key, if there is one, because it may be an attack. */
export function unreachable(
  access: Omit<HostAccess, "sshPrivateKey">,
  failedWays: Map<HostTarget, FailedWay>,
): UnreachableError {
  const ways = [...failedWays.values()];
  const untried = access.targets.filter((target) => !failedWays.has(target)).map(formatWay);
  const lead = ways.find((way) => way.failure.kind === "host-key") ?? ways[0];
  const lines = [
    `${access.node}: cannot be reached, so nothing was sent to it.`,
    ...ways.map((way) => `  ${way.through}: ${way.failure.cause}`),
    ...untried.map((through) => `  ${through}: not tried, the time was up`),
    lead?.failure.remedy ?? "",
    ...(access.targets.every(isTunnel) ? [TUNNEL_ONLY] : []),
  ];
  return new UnreachableError(lines.join("\n"), ways);
}
