/** Time limits for host names with several addresses, which ssh tries one after the other. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { CONNECT_S, LOOKUP_MS } from "./limits";

/** The number of addresses; 1 for a name that does not resolve, such as an alias in ssh_config. */
export async function countAddresses(name: string): Promise<number> {
  if (name === "" || isIP(name) !== 0) return 1;
  const asked = lookup(name, { all: true }).then(
    (found) => found.length,
    () => 1,
  );
  const late = sleep(LOOKUP_MS, 1, { ref: false });
  return Math.max(1, await Promise.race([asked, late]));
}

/**
 * ConnectTimeout applies to each address. With several addresses it is shorter, so that two dead ones (broken IPv6) leave
 * time for a third: at most 12 s for all, and at least 2 s for each.
 */
export function connectSeconds(ways: number, addresses: number, reachSeconds: number): number {
  const forWay = Math.max(3, Math.min(CONNECT_S, Math.floor(reachSeconds / ways)));
  if (addresses === 1) return forWay;
  return Math.max(2, Math.min(3, forWay, Math.floor((2 * CONNECT_S) / addresses)));
}
