/**
 * A host that sends all traffic into the tunnel (`routeAll`), as wg-quick(8) does for a prefix of length 0: unmarked packets use
 * a table of their own, after the longer prefixes of the main table. IPv6 is routed there even if no peer accepts it, so that
 * none bypasses the tunnel.
 */
import { BYPASS_MARK, TUNNEL_TABLE } from "../exit-routing";
import type { LiveStep } from "./change";
import type { LiveDifference } from "./difference";
import { filterCondition } from "./filter";
import type { Route, Rule } from "./network-state";
import type { Observation } from "./observation";
import { configPath } from "./paths";
import type { Refusal } from "./refusals";
import type { Wanted } from "./wanted";
import type { WantedInterface } from "./wanted-interface";

type RuleDifference = Extract<LiveDifference, { kind: "rule" }>;

/** In the order of their priorities; the kernel's rule for the main table has 32766. */
const RULES = [
  { priority: 32764, selector: "table main suppress_prefixlength 0" },
  { priority: 32765, selector: `not fwmark ${BYPASS_MARK} table ${TUNNEL_TABLE}` },
] as const;

export const SOURCE_MARK_SYSCTL = "net/ipv4/conf/all/src_valid_mark";
/** The same command as in wg-quick(8), so that AppArmor's profile allows it. */
const SET_SOURCE_MARK = `sysctl -q ${SOURCE_MARK_SYSCTL.replaceAll("/", ".")}=1`;

/** Whether a new interface can have IPv6 routes. */
export function hasIpv6({ sysctls }: Pick<Observation, "sysctls">): boolean {
  return sysctls.get("net/ipv6/conf/default/disable_ipv6") === "0";
}

/** Differences in the rules of a host that sends all traffic into the tunnel, or did so before. */
export function fullTunnelDifferences(observed: Observation, { main }: Wanted): RuleDifference[] {
  const differing = (families: readonly (4 | 6)[], is: "missing" | "extra") =>
    families.flatMap((family) => {
      const present = observed.network.rules.filter((it) => it.family === family);
      const found = RULES.filter(
        (rule) => present.some((it) => isSame(it, rule)) === (is === "extra"),
      );
      return found.map((rule): RuleDifference => ({ kind: "rule", family, is, ...rule }));
    });
  if (main.sendsAll) return differing(hasIpv6(observed) ? [4, 6] : [4], "missing");
  return hadFullTunnel(observed, main.name) ? differing([4, 6], "extra").reverse() : [];
}

/** Whether it is an unwanted rule that routes into the tunnel. */
export function isExtraRule(it: LiveDifference): boolean {
  return it.kind === "rule" && it.is === "extra" && RULES.some((rule) => isSame(it, rule));
}

/** Another tunnel of wg-quick(8) may use the same rule; then the table has its route. */
function hadFullTunnel({ network, devices, configs }: Observation, name: string): boolean {
  const users = network.routes.filter(({ table }) => table === TUNNEL_TABLE);
  const isInFile = configs.get(configPath(name))?.includes(`Table = ${TUNNEL_TABLE}`) === true;
  const isMarked = devices.get(name)?.mark === BYPASS_MARK;
  return users.every(({ device }) => device === name) && (users.length > 0 || isInFile || isMarked);
}

/** The default prefix of the family that no peer accepts, which is routed into the tunnel and dropped. */
export function blockingPrefix(one: WantedInterface, observed: Observation): string[] {
  return one.sendsAll && hasIpv6(observed) ? ["::/0"] : [];
}

/** Lines for the [Interface] section of the live file; wg-quick(8) adds the routes of allowed prefixes itself. */
export function fullTunnelHooks(wanted: Wanted, observed: Observation): string[] {
  const { main: one } = wanted;
  if (!one.sendsAll) return [];
  const ipv6 = hasIpv6(observed);
  const isRouted = one.peers.some(({ allowedIps }) => allowedIps.includes("::/0"));
  const rules = (ipv6 ? [4, 6] : [4]).flatMap((family) =>
    RULES.map((rule) => [family, rule] as const),
  );
  const line = (hook: string, command: string) => `${hook} = ${command} || true`;
  const condition = filterCondition(wanted);
  return [
    // Works without sysctl(8). Otherwise strict reverse path filtering drops packets from other networks.
    line("PostUp", `${SET_SOURCE_MARK} || echo 1 >/proc/sys/${SOURCE_MARK_SYSCTL}`),
    ...(ipv6 && !isRouted
      ? [line("PostUp", `ip -6 route add ::/0 dev ${one.name} table ${TUNNEL_TABLE}`)]
      : []),
    ...rules.map(([family, rule]) =>
      line("PostUp", `${condition}ip -${family} rule add ${ruleText(rule)}`),
    ),
    ...rules.map(([family, rule]) => line("PostDown", `ip -${family} rule del ${ruleText(rule)}`)),
  ];
}

/** A rule as ip(8) takes it. */
export function ruleText({ priority, selector }: Pick<RuleDifference, "priority" | "selector">) {
  return `priority ${priority} ${selector}`;
}

/** Checks the path through the exit, but only if the change affects it. */
export function exitChecks(
  differences: readonly LiveDifference[],
  { main, mustAnswer }: Wanted,
): LiveStep[] {
  const exits = main.peers.filter(({ allowedIps }) => allowedIps.some(isDefaultPrefix));
  const isExit = (key: string) => exits.some(({ publicKey }) => publicKey === key);
  const isChosen = differences.some(
    (it) =>
      (it.kind === "rule" && it.selector.includes(TUNNEL_TABLE)) ||
      (it.kind === "route" && it.route.table === TUNNEL_TABLE) ||
      (it.kind === "allowed-ip" && isDefaultPrefix(it.prefix)) ||
      (it.kind === "peer" && it.is === "missing" && isExit(it.publicKey)) ||
      (it.kind === "interface" && it.interface === main.name) ||
      it.kind === "mark" ||
      it.kind === "public-key",
  );
  if (!isChosen || !main.sendsAll) return [];
  return mustAnswer.map((address) => ({ do: "reach", address }));
}

function isDefaultPrefix(prefix: string): boolean {
  return prefix.endsWith("/0");
}

/** Refuses if another program uses the table or the mark, or if IPv6 would bypass the tunnel. */
export function fullTunnelRefusal(observed: Observation, { main, node }: Wanted): Refusal | null {
  if (!main.sendsAll) return null;
  const { network, devices } = observed;
  const user =
    [...devices].find(([name, { mark }]) => name !== main.name && mark === BYPASS_MARK)?.[0] ??
    network.routes.find(({ table, device }) => table === TUNNEL_TABLE && device !== main.name)
      ?.device;
  const rule = network.rules.find(isForeign);
  const used = user ?? (rule === undefined ? undefined : `the rule with priority ${rule.priority}`);
  if (used !== undefined) {
    return {
      cause: `routing table ${TUNNEL_TABLE} or the mark ${BYPASS_MARK} is used by ${used}: another tunnel may take all traffic of this host; nothing was changed`,
      remedy: `see there: ip rule; ip route show table ${TUNNEL_TABLE}; wg show all fwmark. End that one (e.g. wg-quick down), or remove routeAll from ${node}`,
    };
  }
  const device = hasIpv6(observed) ? undefined : withIpv6(network);
  if (device === undefined) return null;
  return {
    cause: `IPv6 is switched off for new interfaces here, but ${device} has it: its traffic would go past the tunnel; nothing was changed`,
    remedy: `switch it off there (sysctl -w net.ipv6.conf.all.disable_ipv6=1), or on for all (sysctl -w net.ipv6.conf.default.disable_ipv6=0); see /etc/sysctl.d`,
  };
}

function withIpv6({ links }: Observation["network"]): string | undefined {
  return [...links.values()].find(({ addresses }) => addresses.some((it) => it.includes(":")))
    ?.name;
}

function isForeign(rule: Rule): boolean {
  const uses = rule.table === TUNNEL_TABLE || rule.mark === BYPASS_MARK;
  return uses && !RULES.some((own) => isSame(rule, own));
}

function isSame(
  { priority, selector }: Pick<Rule, "priority" | "selector">,
  rule: (typeof RULES)[number],
): boolean {
  return priority === rule.priority && selector === rule.selector;
}

/** Whether a route is in a table that this program uses: the main one or that of the tunnel. */
export function isUsedTable({ table }: Pick<Route, "table">): boolean {
  return table === "main" || table === TUNNEL_TABLE;
}
