/** A host as plain data, and the kernel's rules for it (netlink, WireGuard). Naive, and independent of mesh/. */
import { createHash } from "node:crypto";
import { bitsOfPrefix, sameFamily } from "../../../support/address-bits";

/** When every host of the model begins, in seconds since 1970. */
export const NOW = 1_700_000_000;

export interface Host {
  links: Map<string, Link>;
  routes: Route[];
  rules: Rule[];
  sysctls: Map<string, string>;
  /** The lines of the nft table `inet wireguard-mesh-wg0`; null: there is none. */
  table: string[] | null;
  files: Map<string, string>;
  /** Symbolic links that start something at boot. */
  bootLinks: Set<string>;
  /** With manage_etc_hosts. */
  cloudInit: boolean;
  /** The settings and names that the running DNS server has read; null: it does not run. */
  dns: { config: string; names: string } | null;
  init: "systemd" | "openrc" | "none";
  resolver: Map<string, string[]>;
  now: number;
  watcherRuns: boolean;
  /** The timer or loop of mesh/host/tasks.ts. */
  tickerRuns: boolean;
  /** Whether the next address of a subnet is promoted when its first one goes. */
  promotes: boolean;
  /** Public keys of peers that answer. */
  answering: Set<string>;
  /** Addresses beyond the exit that answer. */
  beyond: Set<string>;
}

/** `not`: for packets without the mark. `suppress`: no default route of the table counts. */
export interface Rule {
  family: 4 | 6;
  priority: number;
  table: string;
  not: string | null;
  suppress: boolean;
}

export interface Link {
  mtu: number;
  up: boolean;
  type: "none" | "ether" | "loopback";
  deviceType: string | null;
  /** `ADDRESS/LENGTH`; of one IPv4 subnet, the first is its primary address. */
  addresses: string[];
  wg: Device | null;
}

export interface Device {
  privateKey: string | null;
  port: number;
  mark: string | null;
  peers: Map<string, Peer>;
}

export interface Peer {
  presharedKey: string | null;
  endpoint: string | null;
  allowedIps: Set<string>;
  keepalive: number;
  handshake: number;
}

export interface Route {
  prefix: string;
  dev: string | null;
  via: string | null;
  metric: number;
  proto: string;
  scope: string | null;
  src: string | null;
  table: string;
  type: string;
}

/** What a command prints when the kernel refuses. `alreadySo`: the wanted state is there. */
export class KernelError extends Error {
  constructor(
    message: string,
    readonly alreadySo = false,
  ) {
    super(message);
  }
}

export function newLink(fields: Partial<Link> = {}): Link {
  const usual = { mtu: 1500, up: true, type: "ether" as const, deviceType: null };
  return { ...usual, addresses: [], wg: null, ...fields };
}

export function newRoute(prefix: string, fields: Partial<Route> = {}): Route {
  const none = { dev: null, via: null, src: null, scope: null };
  const metric = prefix.includes(":") ? 1024 : 0;
  return { prefix, ...none, metric, proto: "boot", table: "main", type: "unicast", ...fields };
}

export function createWireGuard(host: Host, name: string): void {
  if (host.links.has(name)) return;
  const wg = { privateKey: null, port: 0, mark: null, peers: new Map<string, Peer>() };
  const type = { type: "none", deviceType: "wireguard" } as const;
  host.links.set(name, newLink({ ...type, mtu: 1420, up: false, wg }));
  for (const key of ["rp_filter"]) {
    host.sysctls.set(
      `net/ipv4/conf/${name}/${key}`,
      host.sysctls.get(`net/ipv4/conf/default/${key}`) ?? "0",
    );
  }
}

export function deleteLink(host: Host, name: string): void {
  host.links.delete(name);
  host.routes = host.routes.filter(({ dev }) => dev !== name);
  for (const key of [...host.sysctls.keys()]) {
    if (key.split("/")[3] === name) host.sysctls.delete(key);
  }
}

export function linkOf(host: Host, name: string): Link {
  const link = host.links.get(name);
  if (link === undefined) throw new KernelError(`Cannot find device "${name}"`);
  return link;
}

export function deviceOf(host: Host, name: string): Device {
  const { wg } = linkOf(host, name);
  if (wg === null) throw new KernelError(`${name} is no WireGuard interface`);
  return wg;
}

export function setUp(host: Host, name: string, up: boolean): void {
  const link = linkOf(host, name);
  if (link.up === up) return;
  link.up = up;
  if (up) {
    for (const address of link.addresses) connect(host, name, address);
  } else {
    host.routes = host.routes.filter(({ dev }) => dev !== name);
    link.addresses = link.addresses.filter((address) => !address.includes(":"));
  }
}

/** `ip address replace`: IPv6 has an address only once, whatever its length. */
export function addAddress(host: Host, name: string, address: string): void {
  const link = linkOf(host, name);
  const isSame = (other: string) =>
    address.includes(":") ? hostPart(other) === hostPart(address) : other === address;
  const known = link.addresses.find(isSame);
  if (known === undefined) link.addresses.push(address);
  // The kernel adds the route of an existing IPv6 address again.
  const isNew = known === undefined || address.includes(":");
  if (link.up && isNew) connect(host, name, known ?? address);
}

/** The kernel's __inet_del_ifa and fib_inetaddr_event. */
export function deleteAddress(host: Host, name: string, address: string): void {
  const link = linkOf(host, name);
  if (!link.addresses.includes(address)) {
    throw new KernelError("RTNETLINK answers: Cannot assign requested address", true);
  }
  const subnet = link.addresses.filter((other) => networkOf(other) === networkOf(address));
  const isPrimary = !address.includes(":") && subnet[0] === address;
  const gone = isPrimary && !host.promotes ? subnet : [address];
  link.addresses = link.addresses.filter((other) => !gone.includes(other));
  for (const one of gone) disconnect(host, name, one, isPrimary && one === address);
  const isLast = !link.addresses.some((other) => sameFamily(other, address));
  if (isLast && !address.includes(":")) {
    host.routes = host.routes.filter(({ dev, prefix }) => dev !== name || prefix.includes(":"));
  }
}

export function addRoute(host: Host, route: Route, verb: "add" | "replace"): void {
  if (route.dev !== null && !linkOf(host, route.dev).up) {
    throw new KernelError("RTNETLINK answers: Network is down");
  }
  const { src } = route;
  const own = [...host.links.values()].flatMap(({ addresses }) => addresses.map(hostPart));
  if (src !== null && !own.includes(src)) {
    throw new KernelError("RTNETLINK answers: Invalid argument");
  }
  const at = host.routes.findIndex(
    (other) =>
      other.prefix === route.prefix && other.table === route.table && other.metric === route.metric,
  );
  if (at >= 0 && verb === "add") throw new KernelError("RTNETLINK answers: File exists", true);
  if (at >= 0) host.routes.splice(at, 1, route);
  else host.routes.push(route);
}

/** Of several routes that match, the one with the lowest metric goes. */
export function deleteRoute(host: Host, prefix: string, like: Partial<Route>): void {
  const [found] = host.routes
    .filter(
      (route) =>
        route.prefix === prefix &&
        route.table === (like.table ?? "main") &&
        Object.entries(like).every(([key, value]) => route[key as keyof Route] === value),
    )
    .sort((a, b) => a.metric - b.metric);
  if (found === undefined) throw new KernelError("RTNETLINK answers: No such process", true);
  host.routes = host.routes.filter((route) => route !== found);
}

/** Gives prefixes to a peer; the kernel takes them from the peer that had them. */
export function giveAllowedIps(device: Device, key: string, prefixes: readonly string[]): void {
  for (const prefix of prefixes) {
    for (const peer of device.peers.values()) peer.allowedIps.delete(prefix);
    device.peers.get(key)?.allowedIps.add(prefix);
  }
}

export function networkOf(address: string): string {
  const length = address.slice(address.indexOf("/") + 1);
  return `${address.includes(":") ? 6 : 4} ${length} ${bitsOfPrefix(address)}`;
}

export function hostPart(address: string): string {
  return address.slice(0, address.indexOf("/"));
}

/** The route that the kernel makes for an address of an interface that is up; of a subnet, for its first one. */
function connect(host: Host, name: string, address: string): void {
  const prefix = networkPrefix(address);
  const [v6, single] = [address.includes(":"), address.endsWith("/32")];
  const first = linkOf(host, name).addresses.find((it) => networkOf(it) === networkOf(address));
  if (single || (!v6 && first !== address)) return;
  const kernel = v6
    ? { proto: "kernel", metric: 256 }
    : { proto: "kernel", scope: "link", src: hostPart(address) };
  const route = newRoute(prefix, { dev: name, ...kernel });
  const isSame = (it: Route) => JSON.stringify(it) === JSON.stringify(route);
  if (!host.routes.some(isSame)) host.routes.push(route);
}

/** The kernel's fib_del_ifaddr: routes with a source address go when the last interface loses that address. */
function disconnect(host: Host, name: string, address: string, isPrimary: boolean): void {
  const { addresses, up } = linkOf(host, name);
  const prefix = networkPrefix(address);
  const others = addresses.filter((it) => networkOf(it) === networkOf(address));
  const isSecondary = !address.includes(":") && !isPrimary;
  const isLocal = [...host.links.values()].some((link) =>
    link.addresses.some((it) => hostPart(it) === hostPart(address)),
  );
  const isConnected = ({ dev, proto, prefix: of, src }: Route) =>
    dev === name && proto === "kernel" && of === prefix && [null, hostPart(address)].includes(src);
  host.routes = host.routes.filter(
    (it) => (isSecondary || !isConnected(it)) && (isLocal || it.src !== hostPart(address)),
  );
  if (others[0] !== undefined && up && !isSecondary) connect(host, name, others[0]);
}

/** The prefix of an address, without host bits, in the spelling of ip(8). Addresses here end in one group or byte. */
function networkPrefix(address: string): string {
  const length = Number(address.slice(address.indexOf("/") + 1));
  if (length === 32 || length === 128) return address;
  if (address.includes(":")) return `${address.slice(0, address.indexOf("::"))}::/${length}`;
  const bytes = hostPart(address).split(".").map(Number);
  const cut = bytes.map(
    (byte, at) => byte & (0xff00 >> Math.min(8, Math.max(0, length - 8 * at))) & 0xff,
  );
  return `${cut.join(".")}/${length}`;
}

/** Whether two interfaces have one key. */
export function hasTwins(host: Host): boolean {
  const keys = [...host.links.values()].flatMap(({ wg }) => wg?.privateKey ?? []);
  return new Set(keys).size < keys.length;
}

export function newPeer(): Peer {
  return { presharedKey: null, endpoint: null, allowedIps: new Set(), keepalive: 0, handshake: 0 };
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
