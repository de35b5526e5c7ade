/** Model hosts before a push: a fresh one, one that an older version pushed to, and what a boot makes of them. */
import type { PushRequest } from "../../../../mesh/push-request";
import { readWgQuick } from "../../../support/wg-quick-text";
import { nftLoad } from "./nft-load";
import { OWN_KEYS, publicKeyOf } from "./host-keys";
import {
  addAddress,
  addRoute,
  createWireGuard,
  deleteLink,
  deviceOf,
  giveAllowedIps,
  KernelError,
  linkOf,
  newLink,
  newRoute,
  NOW,
  setUp,
  type Host,
  newPeer,
  sha256,
} from "./host";
import {
  BY_CLOUD_INIT,
  dnsStep,
  DNS_LINK,
  DNS_UNIT,
  HOSTS,
  NAMES_LINK,
  NAMES_UNIT,
  writeHosts,
} from "./hosts-file";
import { DROP_IN, IFACE, SECOND } from "./observe";
import { ipLine } from "./ip-line";
import { beginTasks } from "./rounds";
import { pairAt } from "./requests";
import { isInPrefix } from "../../../support/address-bits";

export const RESOLVER = new Map([
  ["far.example.org", ["203.0.113.5", "203.0.113.6"]],
  ["near.example.org", ["203.0.113.7"]],
]);

/** A machine in a LAN, without wireguard-mesh. It has made its own keys. */
export function freshHost(): Host {
  const host: Host = {
    links: new Map([
      ["lo", newLink({ mtu: 65536, type: "loopback" })],
      ["eth0", newLink()],
    ]),
    routes: [],
    rules: [],
    sysctls: new Map(
      Object.entries({
        "net/ipv4/ip_forward": "0",
        "net/ipv4/conf/all/src_valid_mark": "0",
        "net/ipv6/conf/all/forwarding": "0",
        "net/ipv6/conf/all/disable_ipv6": "0",
        "net/ipv6/conf/default/disable_ipv6": "0",
        "net/ipv6/conf/all/accept_ra": "1",
        "net/ipv6/conf/eth0/accept_ra": "1",
        "net/ipv4/conf/all/rp_filter": "0",
        "net/ipv4/conf/default/rp_filter": "1",
        "net/ipv4/conf/eth0/rp_filter": "1",
      }),
    ),
    table: null,
    files: new Map([
      ["/etc/hosts", "127.0.0.1 localhost\n"],
      [OWN_KEYS, [20, 21].map((at) => `${pairAt(at).privateKey}\n`).join("")],
    ]),
    bootLinks: new Set(),
    cloudInit: false,
    dns: null,
    init: "systemd",
    resolver: new Map(RESOLVER),
    now: NOW,
    watcherRuns: false,
    tickerRuns: false,
    promotes: false,
    beyond: new Set(["198.51.100.99"]),
    answering: new Set(Array.from({ length: 12 }, (_, at) => pairAt(at).publicKey)),
  };
  addAddress(host, "eth0", "192.168.1.20/24");
  addRoute(host, newRoute("default", { dev: "eth0", via: "192.168.1.1", proto: "dhcp" }), "add");
  return host;
}

const STATE = `/var/lib/wireguard-mesh/${IFACE}`;
const RUN = `/run/wireguard-mesh/${IFACE}`;
const WG_QUICK_LINK = `/etc/systemd/system/multi-user.target.wants/wg-quick@${IFACE}.service`;
const WATCHER_LINK = `/etc/systemd/system/multi-user.target.wants/wireguard-mesh-keys-${IFACE}.service`;

/** The host after a push of format 2 that was confirmed, with everything running as it should. */
export function pushedByFormat2(host: Host, request: PushRequest): void {
  const { rotation, forwarding } = request;
  const alternate = rotation?.alternate ?? null;
  const config = withOwnKey(host, request.config);
  host.files.set(configPath(IFACE), config);
  if (alternate !== null) host.files.set(configPath(SECOND), withOwnKey(host, alternate.config));
  const flags = `${Number(forwarding.ipv4)} ${Number(forwarding.ipv6)}`;
  const records: Record<string, string> = {
    owner: `${request.owner}\n${request.node}\n${request.machine}`,
    format: "2",
    digest: "former",
    file: sha256(config),
    forwarding: flags,
    probes: request.probes.join(" "),
    instances: (request.instances ?? []).join(" "),
    "host.sh": "# older",
  };
  if (rotation !== null && rotation.pairs.length + (alternate === null ? 0 : 1) > 0) {
    const pairs = rotation.pairs.map(({ current, next }) => `${current}:${next}`);
    records["rotation"] =
      `pairs ${pairs.join(" ")}\nalternate ${alternate?.interface ?? ""}\nshake ${rotation.mustShake.join(" ")}`;
    host.bootLinks.add(WATCHER_LINK);
  }
  for (const [name, text] of Object.entries(records))
    host.files.set(`${STATE}/${name}`, `${text}\n`);
  const sysctls = [
    ...(forwarding.ipv4 ? ["net.ipv4.ip_forward = 1"] : []),
    ...(forwarding.ipv6 ? ["net.ipv6.conf.all.forwarding = 1"] : []),
  ];
  if (sysctls.length > 0) {
    host.files.set(
      DROP_IN,
      [`# wireguard-mesh: ${IFACE}`, ...sysctls].map((it) => `${it}\n`).join(""),
    );
  }
  if (forwarding.ipv4) host.files.set(`${STATE}/switched-on-ipv4`, "1\n");
  if (forwarding.ipv6) host.files.set(`${STATE}/switched-on-ipv6`, "1\n");
  host.bootLinks.add(WG_QUICK_LINK);
  boot(host);
  if (!config.includes("MTU = "))
    host.files.set(`${STATE}/own-mtu`, `${linkOf(host, IFACE).mtu}\n`);
}

/** Removes what a boot loses, and starts what it starts. */
export function boot(host: Host): void {
  for (const name of [IFACE, SECOND]) deleteLink(host, name);
  host.rules = [];
  host.table = null;
  host.watcherRuns = false;
  host.tickerRuns = false;
  for (const path of host.files.keys()) if (path.startsWith("/run/")) host.files.delete(path);
  for (const key of BEGIN_OFF) host.sysctls.set(key, "0");
  for (const line of (host.files.get(DROP_IN) ?? "").split("\n")) {
    const [, key = "", value = ""] = /^(net\S+) = (\d)$/.exec(line) ?? [];
    const path = key.includes("/") ? key : key.replaceAll(".", "/");
    if (host.sysctls.has(path)) host.sysctls.set(path, value);
  }
  if (host.bootLinks.has(WG_QUICK_LINK)) wgQuickUp(host, IFACE);
  if (host.bootLinks.has(WATCHER_LINK)) startWatcher(host);
  if (host.cloudInit) host.files.set(HOSTS, BY_CLOUD_INIT);
  if (host.bootLinks.has(NAMES_LINK) && host.files.has(NAMES_UNIT)) writeHosts(host);
  host.dns = null;
  if (host.bootLinks.has(DNS_LINK) && host.files.has(DNS_UNIT)) dnsStep(host, "restart");
}

const BEGIN_OFF = [
  ...["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"],
  "net/ipv4/conf/all/src_valid_mark",
];

/** wg-quick(8), up: nothing comes up if one endpoint does not resolve. */
function wgQuickUp(host: Host, name: string): void {
  const text = host.files.get(configPath(name));
  if (text === undefined) return;
  const config = readWgQuick(text.replace(/^(PreUp|PostDown|PostUp) = .*\n/gm, ""));
  const endpoints = config.peers.map(({ endpoint }) =>
    endpoint === null ? null : resolved(host, endpoint),
  );
  if (endpoints.includes(undefined)) return;
  if (!preUp(host, text)) return;
  createWireGuard(host, name);
  const device = deviceOf(host, name);
  device.privateKey = config.privateKey;
  device.port = config.listenPort ?? 40_000;
  device.mark = /^FwMark = (.+)$/m.exec(text)?.[1] ?? null;
  config.peers.forEach(({ publicKey, presharedKey, persistentKeepalive, allowedIps }, at) => {
    const endpoint = endpoints[at] ?? null;
    const keepalive = persistentKeepalive ?? 0;
    device.peers.set(publicKey, { ...newPeer(), presharedKey, keepalive, endpoint });
    giveAllowedIps(device, publicKey, allowedIps);
  });
  const [, keys = ""] =
    /^PostUp = .*; nft list table inet wireguard-mesh-wg0 >\/dev\/null 2>&1 \|\| wg set \S+ (.*)$/m.exec(
      text,
    ) ?? [];
  for (const [, key = ""] of keys.matchAll(/peer (\S+) remove/g))
    if (host.table === null) device.peers.delete(key);
  if (/^PostUp = sh \S+\/host\.sh tasks wg0 \|\| true$/m.test(text)) beginTasks(host);
  linkOf(host, name).mtu = config.mtu ?? 1420;
  for (const address of config.addresses) addAddress(host, name, address);
  setUp(host, name, true);
  if (text.includes("Table = off")) return;
  const prefixes = config.peers.flatMap(({ allowedIps }) => allowedIps);
  for (const prefix of prefixes.sort((a, b) => lengthOf(b) - lengthOf(a))) {
    const covered = host.routes.some(
      (it) => it.dev === name && isInPrefix(prefix.slice(0, prefix.indexOf("/")), it.prefix),
    );
    const scope = prefix.includes(":") ? null : "link";
    const table = /^Table = (.+)$/m.exec(text)?.[1] ?? null;
    if (table !== null) addRoute(host, newRoute(prefix, { dev: name, scope, table }), "add");
    else if (!covered) addRoute(host, newRoute(prefix, { dev: name, scope }), "add");
  }
  if (/^PostUp = sysctl -q net\.ipv4\.conf\.all\.src_valid_mark=1 \|\| .*\|\| true$/m.test(text))
    host.sysctls.set("net/ipv4/conf/all/src_valid_mark", "1");
  const hook = /^PostUp = (?:.*; (nft list table) .* && )?ip -([46]) (.+) \|\| true$/gm;
  for (const [, needsTable, family, line = ""] of text.matchAll(hook))
    if (needsTable === undefined || host.table !== null) ipLine(host, line, family === "6" ? 6 : 4);
}

/** Whether every PreUp hook of a config succeeds: `[ -s FILE ] && nft -f FILE`, and perhaps `|| true`. */
function preUp(host: Host, config: string): boolean {
  const hook = /^PreUp = .*\[ -s (\S+) \] && nft -f <\(cat (\S+)\)( \|\| true)?$/gm;
  return [...config.matchAll(hook)].every(([, tested = "", loaded = "", otherwise]) => {
    const isLoaded = tested === loaded && loads(host, loaded);
    return isLoaded || otherwise !== undefined;
  });
}

function loads(host: Host, path: string): boolean {
  const text = host.files.get(path);
  if (text === undefined) return false;
  try {
    nftLoad(host, text.trimEnd().split("\n"));
    return true;
  } catch (error) {
    if (error instanceof KernelError) return false;
    throw error;
  }
}

/** Of either version. It also does what a second interface needs at boot. */
function startWatcher(host: Host): void {
  const rotation = (host.files.get(`${STATE}/rotation`) ?? "")
    .split("\n")
    .filter((it) => it !== "");
  const isNew = rotation.some((line) => /^(pair|second|route) /.test(line));
  const lines = isNew ? rotation : keysOfFormat2(host, rotation);
  if (lines.length === 0) return;
  host.files.set(`${RUN}/${isNew ? "rotation" : "keys"}`, `${lines.join("\n")}\n`);
  host.watcherRuns = true;
  if (!lines.some((line) => /^(second|alternate) ./.test(line))) return;
  wgQuickUp(host, SECOND);
  linkOf(host, SECOND).mtu = linkOf(host, IFACE).mtu;
  for (const family of [4, 6] as const) ipLine(host, "rule add priority 5182 table 5182", family);
  for (const name of [SECOND, IFACE]) {
    const key = `net/ipv4/conf/${name}/rp_filter`;
    const own = host.sysctls.get(key) ?? "0";
    if (Math.max(Number(own), Number(host.sysctls.get("net/ipv4/conf/all/rp_filter"))) !== 1)
      continue;
    if (name === IFACE && !isNew) host.files.set(`${RUN}/rp-filter`, `${own}\n`);
    host.sysctls.set(key, "2");
  }
}

/** 45-keys-pending.sh, pending_keys. */
function keysOfFormat2(host: Host, rotation: readonly string[]): string[] {
  const after = (key: string) =>
    rotation.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1) ?? "";
  const pairs = after("pairs")
    .split(" ")
    .filter((it) => it !== "");
  const prefixes = readWgQuick(host.files.get(configPath(IFACE)) ?? "").peers;
  if (pairs.length === 0 && after("alternate") === "") return [];
  return [
    ...pairs.map((pair) => `pair ${pair.replace(":", " ")}`),
    ...(after("alternate") === "" ? [] : [`alternate ${after("alternate")}`]),
    ...prefixes
      .filter(({ allowedIps }) => allowedIps.length > 0)
      .map(({ publicKey, allowedIps }) => `prefixes ${publicKey} ${allowedIps.join(",")}`),
  ];
}

export function resolved(host: Host, endpoint: string): string | undefined {
  const at = endpoint.lastIndexOf(":");
  const name = endpoint.slice(0, at);
  if (/^[\d.]+$|^\[/.test(name)) return endpoint;
  const address = host.resolver.get(name)?.[0];
  return address === undefined ? undefined : address + endpoint.slice(at);
}

export function configPath(name: string): string {
  return `/etc/wireguard/${name}.conf`;
}

function withOwnKey(host: Host, config: string): string {
  const keys = (host.files.get(OWN_KEYS) ?? "").split("\n").filter((it) => it !== "");
  return config.replace(
    /\(on this host\) (.+)/,
    (_, publicKey: string) => keys.find((key) => publicKeyOf(key) === publicKey) ?? "",
  );
}

function lengthOf(prefix: string): number {
  return Number(prefix.slice(prefix.indexOf("/") + 1));
}
