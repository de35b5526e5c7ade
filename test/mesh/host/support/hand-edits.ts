/** Changes of a host between two pushes: by hand, daemons, networks and boots. */
import fc from "fast-check";
import {
  addAddress,
  addRoute,
  deleteAddress,
  deleteLink,
  deleteRoute,
  deviceOf,
  giveAllowedIps,
  linkOf,
  newLink,
  newRoute,
  setUp,
  type Host,
  type Peer,
  newPeer,
} from "./host";
import { boot, configPath } from "./hosts";
import { DROP_IN, FILTERS, IFACE, SECOND } from "./observe";
import { currentKey, ENDPOINTS, filterAt, LANS, nextKey, pairAt } from "./requests";
import { DNS_CONFIG, HOSTS, NAMES } from "./hosts-file";
import { round } from "./rounds";

const FOREIGN_KEY = Buffer.alloc(32, 0x77).toString("base64");

const EDITS = {
  "a peer is removed": (host: Host, n: number) => {
    deviceOf(host, IFACE).peers.delete(peerAt(host, n)[0]);
  },
  "a foreign peer is added": (host: Host) => {
    const device = deviceOf(host, IFACE);
    const { publicKey } = pairAt(23);
    device.peers.set(publicKey, {
      ...newPeer(),
      presharedKey: FOREIGN_KEY,
      endpoint: "192.0.2.9:9",
    });
    giveAllowedIps(device, publicKey, ["10.99.0.1/32"]);
  },
  "a keepalive is changed": (host: Host, n: number) => {
    peerAt(host, n)[1].keepalive = n;
  },
  "a preshared key is changed": (host: Host, n: number) => {
    peerAt(host, n)[1].presharedKey = n % 2 === 0 ? null : FOREIGN_KEY;
  },
  "a peer takes a LAN": (host: Host, n: number) => {
    giveAllowedIps(deviceOf(host, IFACE), peerAt(host, n)[0], [LANS[n % LANS.length] ?? ""]);
  },
  "a peer has roamed": (host: Host, n: number) => {
    const [, peer] = peerAt(host, n);
    peer.endpoint = `192.0.2.${n + 1}:4500`;
    peer.handshake = host.now - (n % 2 === 0 ? 30 : 3000);
  },
  "a peer is dialled elsewhere": (host: Host, n: number) => {
    peerAt(host, n)[1].endpoint = ENDPOINTS[n % ENDPOINTS.length] ?? null;
  },
  "all peers have shaken hands": (host: Host, n: number) => {
    for (const peer of deviceOf(host, IFACE).peers.values()) peer.handshake = host.now - 20 * n;
  },
  "a neighbour uses its next key": (host: Host, n: number) => {
    const device = deviceOf(host, IFACE);
    const [current, next] = [device.peers.get(currentKey(n % 6)), device.peers.get(nextKey(n % 6))];
    if (current === undefined || next === undefined) return;
    giveAllowedIps(device, nextKey(n % 6), [...current.allowedIps]);
  },
  "the port is changed": (host: Host, n: number) => {
    deviceOf(host, IFACE).port = 52000 + n;
  },
  "the key is changed": (host: Host) => {
    deviceOf(host, IFACE).privateKey = pairAt(19).privateKey;
  },
  "an address is added": (host: Host, n: number) => {
    const all = ["10.86.0.77/24", "10.88.0.1/24", "fd5c:10::1/128", "10.86.0.1/16"];
    addAddress(host, IFACE, all[n % all.length] ?? "");
  },
  "an address is removed": (host: Host, n: number) => {
    const { addresses } = linkOf(host, IFACE);
    const address = addresses[n % Math.max(1, addresses.length)];
    if (address !== undefined) deleteAddress(host, IFACE, address);
  },
  "the MTU is changed": (host: Host, n: number) => {
    linkOf(host, IFACE).mtu = 1300 + n;
  },
  "the interface is down": (host: Host) => {
    setUp(host, IFACE, false);
  },
  "the interface is gone": (host: Host) => {
    deleteLink(host, IFACE);
  },
  "the second interface is gone": (host: Host) => {
    deleteLink(host, SECOND);
  },
  "a route is added": (host: Host, n: number) => {
    const all = [
      newRoute("10.99.0.0/16", { dev: IFACE, scope: "link" }),
      newRoute("192.168.40.0/24", { dev: IFACE, scope: "link", metric: 50 }),
      newRoute("fd00:99::/64", { dev: IFACE }),
      newRoute("10.98.0.0/16", { dev: IFACE, scope: "link", proto: "bird" }),
      newRoute("10.97.0.0/16", { dev: IFACE, scope: "link", table: "100" }),
      newRoute("192.168.50.0/24", { dev: "eth0", via: "192.168.1.9" }),
    ];
    addRoute(host, all[n % all.length] ?? newRoute("10.99.0.0/16"), "add");
  },
  "a route is removed": (host: Host, n: number) => {
    deleteRoute(host, LANS[n % LANS.length] ?? "", { dev: IFACE });
  },
  "the route to the network itself is removed": (host: Host, n: number) => {
    const prefix = n % 2 === 0 ? "10.86.0.0/24" : "fd5c:10::/64";
    deleteRoute(host, prefix, { dev: IFACE });
  },
  "the route to the network itself is made by hand": (host: Host, n: number) => {
    const metric = n % 2 === 0 ? 0 : 50;
    addRoute(host, newRoute("10.86.0.0/24", { dev: IFACE, scope: "link", metric }), "replace");
  },
  "another program routes a LAN": (host: Host, n: number) => {
    const via = { dev: "eth0", via: "192.168.1.9", metric: n % 2 === 0 ? 0 : 100 };
    addRoute(host, newRoute(LANS[n % LANS.length] ?? "", via), "replace");
  },
  "forwarding is switched": (host: Host, n: number) => {
    const key = n % 2 === 0 ? "net/ipv4/ip_forward" : "net/ipv6/conf/all/forwarding";
    host.sysctls.set(key, n % 4 < 2 ? "1" : "0");
  },
  "rp_filter is switched": (host: Host, n: number) => {
    const key = `net/ipv4/conf/${n % 2 === 0 ? "all" : IFACE}/rp_filter`;
    if (host.sysctls.has(key)) host.sysctls.set(key, String(n % 3));
  },
  "a rule is added to the filter": (host: Host, n: number) => {
    host.table?.splice(2, 0, `\t\tip saddr 10.86.0.${n} accept`);
  },
  "the ruleset is flushed": (host: Host) => {
    host.table = null;
  },
  "a filter is there that is not wanted": (host: Host) => {
    host.table ??= filterAt(7).trimEnd().split("\n");
  },
  "a file of the filter is edited": (host: Host, n: number) => {
    const path = FILTERS[n % 2] ?? "";
    if (n < 6 || !host.files.has(path)) host.files.set(path, "flush ruleset\n");
    else host.files.delete(path);
  },
  "rules are flushed": (host: Host, n: number) => {
    host.rules = host.rules.filter((_, at) => n < 6 && at !== n);
  },
  "the mark is changed": (host: Host, n: number) => {
    deviceOf(host, IFACE).mark = n % 2 === 0 ? null : "0x7";
  },
  "the way into the tunnel is removed": (host: Host, n: number) => {
    deleteRoute(host, n % 2 === 0 ? "0.0.0.0/0" : "::/0", { dev: IFACE, table: "51820" });
  },
  "docker is started": (host: Host) => {
    host.links.set("docker0", newLink({ deviceType: "bridge", addresses: ["172.17.0.1/16"] }));
  },
  "a router advertises itself": (host: Host) => {
    const accepts = host.sysctls.get("net/ipv6/conf/eth0/accept_ra") === "2";
    if (host.sysctls.get("net/ipv6/conf/all/forwarding") === "1" && !accepts) return;
    const ra = newRoute("default", { dev: "eth0", via: "fe80::1", proto: "ra", metric: 1024 });
    addRoute(host, ra, "replace");
  },
  "addresses are promoted": (host: Host) => {
    host.promotes = true;
  },
  "names do not resolve": (host: Host, n: number) => {
    host.resolver.delete(n % 2 === 0 ? "far.example.org" : "near.example.org");
  },
  "a name has another address": (host: Host, n: number) => {
    host.resolver.set("far.example.org", [`203.0.113.${n + 50}`]);
  },
  "the live file is edited": (host: Host, n: number) => {
    const path = configPath(n % 2 === 0 ? IFACE : SECOND);
    const text = host.files.get(path);
    if (text !== undefined) host.files.set(path, `${text}# by hand\n`);
  },
  "/etc/hosts is edited": (host: Host, n: number) => {
    const text = host.files.get(HOSTS) ?? "";
    const all = [
      "127.0.0.1 localhost\n",
      `192.168.1.9 printer\n${text}192.168.1.8 nas\n`,
      text.replace(/^10\.86.*\n/m, ""),
      text.replace(/^# wireguard-mesh wg0 end\n/m, ""),
    ];
    host.files.set(HOSTS, all[n % all.length] ?? "");
  },
  "the DNS server is killed": (host: Host) => {
    host.dns = null;
  },
  "a file is deleted": (host: Host, n: number) => {
    const all = [
      configPath(IFACE),
      DROP_IN,
      "/var/lib/wireguard-mesh/wg0/host.sh",
      NAMES,
      DNS_CONFIG,
    ];
    host.files.delete(all[n % all.length] ?? "");
  },
  "nothing starts at boot": (host: Host) => {
    host.bootLinks.clear();
  },
  "the watcher is killed": (host: Host) => {
    host.watcherRuns = false;
  },
  "time passes": (host: Host, n: number) => {
    host.now += 40 * n;
    if (host.tickerRuns) round(host);
  },
  "nothing follows dates and names": (host: Host) => {
    host.tickerRuns = false;
  },
  "the tasks are edited": (host: Host) => {
    const path = "/var/lib/wireguard-mesh/wg0/tasks";
    const text = host.files.get(path);
    if (text !== undefined) host.files.set(path, text.replace("every 30", "every 2"));
  },
  "the host boots": (host: Host) => {
    boot(host);
  },
} as const;

/** `n` chooses one of several. */
export interface Edit {
  what: keyof typeof EDITS;
  n: number;
}

export const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.record({
    what: fc.constantFrom(...(Object.keys(EDITS) as (keyof typeof EDITS)[])),
    n: fc.nat(11),
  }),
  { maxLength: 5 },
);

/** Does nothing where there is nothing to edit. */
export function applyEdits(host: Host, all: readonly Edit[]): void {
  for (const { what, n } of all) {
    try {
      EDITS[what](host, n);
    } catch (error) {
      if (!(error instanceof Error) || error.constructor === TypeError) throw error;
    }
  }
}

function peerAt(host: Host, n: number): [string, Peer] {
  const all = [...deviceOf(host, IFACE).peers];
  const found = all[n % Math.max(1, all.length)];
  if (found === undefined) throw new Error("no peer");
  return found;
}
