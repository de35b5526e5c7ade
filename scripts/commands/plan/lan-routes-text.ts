/** The routes that LAN routers need, as text: each command for a few LANs, a general rule for many. */
import pc from "picocolors";
import type { Plan } from "../../../mesh/plan/plan";
import { formatTable } from "../../cli/table";
import { wrapped } from "../../cli/wrap";
import { lanRoutes, routesOf, type LanRouter, type LanRoutes } from "./lan-routes";

/** With more LANs than this, the routes are not listed, because their number is the number of LANs squared. */
const MAX_LANS = 4;

export function routesText(plan: Plan): string {
  const routes = lanRoutes(plan);
  const { routers } = routes;
  if (routers.length === 0) return "";
  const title = pc.bold("Routes that the routers of these LANs need for replies");
  return [title, ...(routers.length > MAX_LANS ? ruleOf(routes) : commandsOf(routes))].join("\n");
}

function commandsOf(routes: LanRoutes): string[] {
  return routes.routers.flatMap((router) => [
    `  on the router of ${router.lan.text}:`,
    ...routesOf(router, routes).map((prefix) => `    ${commandOf(prefix, router)}`),
  ]);
}

function ruleOf({ tunnels, routers, others }: LanRoutes): string[] {
  const names = [...tunnels, ...others.map(({ as }) => as)].map(({ text }) => text).join(", ");
  const example = routers.find(({ via }) => via !== null) ?? routers[0];
  const tunnel = tunnels.find(({ family }) => family === example?.lan.family);
  const rows = routers.map(({ lan, as, gateway, via }) => [
    `  ${lan === as ? "" : `${as.text}, `}${lan.text}`,
    via ?? "-",
    gateway,
  ]);
  return [
    wrapped("  ", `Each to ${names} and to all the other LANs of this list, through its gateway:`),
    ...(example === undefined || tunnel === undefined
      ? []
      : [`    ${commandOf(tunnel.text, example)}`, `      on the router of ${example.lan.text}`]),
    formatTable(["  LAN", "GATEWAY'S LAN ADDRESS", "GATEWAY"], rows),
  ];
}

function commandOf(prefix: string, { via, gateway }: LanRouter): string {
  return `ip route add ${prefix} via ${via ?? `<the LAN address of ${gateway}>`}`;
}
