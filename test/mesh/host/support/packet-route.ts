/** Where a model host sends a packet. */
import { bitsOfPrefix, isInPrefix } from "../../../support/address-bits";
import type { Host, Route } from "./host";

/** The device that a packet leaves by (ip-rule(8)). */
export function routeOf(host: Host, address: string, mark: string | null): string | null {
  const family = address.includes(":") ? 6 : 4;
  const main = { family, priority: 32766, table: "main", not: null, suppress: false } as const;
  const rules = [...host.rules, main].filter(
    (it) => it.family === family && (it.not === null || it.not !== mark),
  );
  for (const { table, suppress } of rules.sort((a, b) => a.priority - b.priority)) {
    const route = longestRoute(host, address, table);
    if (route !== undefined && !(suppress && lengthOf(route) === 0)) return route.dev;
  }
  return null;
}

/** Of equal ones that with the lowest metric. */
function longestRoute({ routes }: Host, address: string, of: string): Route | undefined {
  const everything = (prefix: string) => (prefix === "default" ? "0.0.0.0/0" : prefix);
  return routes
    .filter(({ table, prefix }) => table === of && isInPrefix(address, everything(prefix)))
    .sort((a, b) => lengthOf(b) - lengthOf(a) || a.metric - b.metric)[0];
}

function lengthOf({ prefix }: Route): number {
  return prefix === "default" ? 0 : bitsOfPrefix(prefix).length;
}
