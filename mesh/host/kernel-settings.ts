/** Sysctls and policy rules outside of the interfaces: forwarding, router advertisements, reverse path filter. */
import type { PerFamily } from "./confirmed";
import type { LiveDifference } from "./difference";
import type { Observation } from "./observation";
import { interfacesOf, type Wanted } from "./wanted";
import { SOURCE_MARK_SYSCTL } from "./full-tunnel";

type SysctlDifference = Extract<LiveDifference, { kind: "sysctl" }>;
type RuleDifference = Extract<LiveDifference, { kind: "rule" }>;

const FORWARDING = {
  ipv4: { key: "net/ipv4/ip_forward", name: "IPv4" },
  ipv6: { key: "net/ipv6/conf/all/forwarding", name: "IPv6" },
} as const;

const FAMILIES = ["ipv4", "ipv6"] as const;

/** Priority of the rules, and number of the table with routes of a second interface. */
export const ROTATION_TABLE = 5182;

/** In the order in which they have to be set. */
export function sysctlDifferences(observed: Observation, wanted: Wanted): SysctlDifference[] {
  const set = (key: string, value: string): SysctlDifference[] => {
    const is = observed.sysctls.get(key) ?? "0";
    return is === value ? [] : [{ kind: "sysctl", key, is, wanted: value }];
  };
  const advertised = wanted.forwarding.ipv6 ? advertisedDevices(observed, ["1"]) : [];
  return [
    // With forwarding, the kernel drops default routes from router advertisements unless accept_ra is 2.
    ...advertised.flatMap((device) => set(acceptRa(device), "2")),
    ...FAMILIES.flatMap((family) => {
      const { key } = FORWARDING[family];
      if (wanted.forwarding[family]) return isOn(observed, key) ? [] : set(key, "1");
      const ours = isOn(observed, key) && observed.records.confirmed?.switchedOn[family] === true;
      return ours && forwardingUsers(observed, namesOfInterfaces(wanted)).length === 0
        ? set(key, "0")
        : [];
    }),
    ...rpFilterDifferences(observed, wanted),
    // Without it, strict reverse path filtering drops packets outside of the tunnel.
    ...(wanted.main.sendsAll ? set(SOURCE_MARK_SYSCTL, "1") : []),
  ];
}

/** Forwarding sysctls that wireguard-mesh has switched on in the wanted state. */
export function switchedOn(observed: Observation, { forwarding }: Wanted): PerFamily {
  const ours = (family: keyof PerFamily) =>
    forwarding[family] &&
    (observed.records.confirmed?.switchedOn[family] === true ||
      !isOn(observed, FORWARDING[family].key));
  return { ipv4: ours("ipv4"), ipv6: ours("ipv6") };
}

/** Notes on forwarding that stays on because other programs use it. */
export function forwardingNotes(observed: Observation, wanted: Wanted): string[] {
  const users = forwardingUsers(observed, namesOfInterfaces(wanted));
  if (users.length === 0) return [];
  return FAMILIES.flatMap((family) => {
    const { key } = FORWARDING[family];
    const ours = observed.records.confirmed?.switchedOn[family] === true;
    if (wanted.forwarding[family] || !ours || !isOn(observed, key)) return [];
    return [leftOn(family, users)];
  });
}

/** The lines of the sysctl file for the next boot; null if there is nothing to set. */
export function dropInLines(observed: Observation, { main, forwarding }: Wanted): string[] | null {
  if (!forwarding.ipv4 && !forwarding.ipv6 && !main.sendsAll) return null;
  return [
    `# wireguard-mesh: ${main.name}`,
    ...(forwarding.ipv4 ? ["net.ipv4.ip_forward = 1"] : []),
    ...(forwarding.ipv6 ? ["net.ipv6.conf.all.forwarding = 1"] : []),
    // With slashes, because names of devices may contain dots (sysctl.d(5)).
    ...(forwarding.ipv6 ? acceptingDevices(observed) : []).map((it) => `${acceptRa(it)} = 2`),
    ...(main.sendsAll ? [`${SOURCE_MARK_SYSCTL.replaceAll("/", ".")} = 1`] : []),
  ];
}

/** Rules for the table of a second interface; without IPv6 only one. */
export function ruleDifferences(observed: Observation, { main, second }: Wanted): RuleDifference[] {
  const { rules } = observed.network;
  const hasIpv6 = observed.sysctls.has("net/ipv6/conf/all/disable_ipv6");
  const families = hasIpv6 ? ([4, 6] as const) : ([4] as const);
  const rule = { priority: ROTATION_TABLE, selector: `table ${ROTATION_TABLE}` };
  const present = (of: 4 | 6) =>
    rules.some(
      ({ family, priority, selector }) =>
        family === of && priority === rule.priority && selector === rule.selector,
    );
  if (second !== null) {
    const missing = families.filter((family) => !present(family));
    return missing.map((family) => ({ kind: "rule", family, is: "missing", ...rule }));
  }
  const former = observed.records.second;
  if (former === null || isTableShared(observed, [main.name, former])) return [];
  const left = ([4, 6] as const).filter(present);
  return left.map((family) => ({ kind: "rule", family, is: "extra", ...rule }));
}

/** The rp_filter of the first interface before the second one was added, to restore it; null: unchanged. */
export function formerRpFilter(observed: Observation, { main, second }: Wanted): number | null {
  if (second === null) return null;
  const own = rpFilter(observed, main.name);
  return observed.records.confirmed?.rpFilter ?? (isStrict(observed, own) ? own : null);
}

/** Strict reverse path filtering drops packets that arrive on one interface while the route uses the other. */
function rpFilterDifferences(observed: Observation, { main, second }: Wanted): SysctlDifference[] {
  const change = (name: string, value: number): SysctlDifference => ({
    kind: "sysctl",
    key: `net/ipv4/conf/${name}/rp_filter`,
    is: String(rpFilter(observed, name)),
    wanted: String(value),
  });
  if (second !== null) {
    const names = [main.name, second.name];
    const strict = names.filter((name) => isStrict(observed, rpFilter(observed, name)));
    return strict.map((name) => change(name, 2));
  }
  const former = observed.records.confirmed?.rpFilter ?? null;
  const isLoosened = former !== null && rpFilter(observed, main.name) === 2;
  return isLoosened && former !== 2 ? [change(main.name, former)] : [];
}

/** A new interface has the default value. */
function rpFilter({ sysctls }: Observation, name: string): number {
  const text = sysctls.get(`net/ipv4/conf/${name}/rp_filter`);
  return Number(text ?? sysctls.get("net/ipv4/conf/default/rp_filter") ?? 0);
}

/** The larger one of `all` and the interface's own counts (ip-sysctl.rst). */
function isStrict({ sysctls }: Observation, own: number): boolean {
  return Math.max(own, Number(sysctls.get("net/ipv4/conf/all/rp_filter") ?? 0)) === 1;
}

function isTableShared({ network }: Observation, own: readonly string[]): boolean {
  return network.routes.some(
    ({ table, device }) =>
      table === String(ROTATION_TABLE) && device !== null && !own.includes(device),
  );
}

function isOn({ sysctls }: Observation, key: string): boolean {
  return (sysctls.get(key) ?? "0") !== "0";
}

/** For a removal: forwarding sysctls to switch off, and notes on those that other programs use. */
export function forwardingToEnd(
  observed: Observation,
  name: string,
): { keys: string[]; notes: string[] } {
  const on = FAMILIES.filter(
    (family) =>
      observed.records.confirmed?.switchedOn[family] === true &&
      isOn(observed, FORWARDING[family].key),
  );
  const users = forwardingUsers(observed, [name]);
  if (users.length === 0) return { keys: on.map((family) => FORWARDING[family].key), notes: [] };
  return { keys: [], notes: on.map((family) => leftOn(family, users)) };
}

function leftOn(family: keyof PerFamily, users: readonly string[]): string {
  return `${FORWARDING[family].name} forwarding was left on, because ${users.join(", ")} may need it`;
}

/** Bridges, other tunnels and other networks of wireguard-mesh may rely on forwarding. */
function forwardingUsers(observed: Observation, names: readonly string[]): string[] {
  const { network, deviceTypes, records } = observed;
  const own = [...names, records.second];
  const users = [...network.links.values()].filter(
    ({ name, type }) =>
      type === "none" ||
      ["bridge", "wireguard"].includes(deviceTypes.get(name) ?? "") ||
      /^(docker|br-|virbr|lxcbr|lxdbr|incusbr|podman|cni|tun|tap)/.test(name),
  );
  const all = [...users.map(({ name }) => name), ...records.otherOwners.keys()];
  return [...new Set(all)].filter((name) => !own.includes(name)).sort();
}

function acceptRa(device: string): string {
  return `net/ipv6/conf/${device}/accept_ra`;
}

/** Devices that must accept router advertisements after the next boot. */
function acceptingDevices(observed: Observation): string[] {
  const named = (observed.records.dropIn ?? []).flatMap(
    (line) => /^net\/ipv6\/conf\/([^/]+)\/accept_ra = 2$/.exec(line)?.[1] ?? [],
  );
  return [...new Set([...named, ...advertisedDevices(observed, ["1", "2"])])].sort();
}

/** Devices with a default route from a router advertisement, and accept_ra among `values`. */
function advertisedDevices({ network, sysctls }: Observation, values: readonly string[]): string[] {
  const devices = network.routes
    .filter(({ prefix, protocol }) => prefix === "default" && protocol === "ra")
    .flatMap(({ device }) => device ?? []);
  return [...new Set(devices)].filter((it) => values.includes(sysctls.get(acceptRa(it)) ?? ""));
}

function namesOfInterfaces(wanted: Wanted): string[] {
  return interfacesOf(wanted).map(({ name }) => name);
}
