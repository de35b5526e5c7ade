/** Prints a model host as the host's program prints a real one. */
import { sha256 } from "./host";
import type { Secret } from "../../../../mesh/secret";
import { parseObservation, type Observation } from "../../../../mesh/host/observation";
import type { Host, Peer, Route } from "./host";
import { ownKeys, publicKeyOf } from "./host-keys";
import { DNS_CONFIG, DNS_UNIT, HOSTS, hostsBlock, IFACE, NAMES, NAMES_UNIT } from "./hosts-file";

export { IFACE } from "./hosts-file";
export const SECOND = "wg0-next";

export const TOOLS =
  "wg wg-quick ip flock sha256sum awk timeout setsid systemd-run ping nft dnsmasq getent apt-get";

/** `presharedKeys` are the wanted ones, as sent to the host. */
export function observe(host: Host, presharedKeys: Secret | null): Observation {
  return parseObservation(sectionsOf(host, presharedKeys), IFACE);
}

export function sectionsOf(host: Host, presharedKeys: Secret | null): Map<string, string[]> {
  const { files } = host;
  const configs = [IFACE, SECOND].map((name) => `/etc/wireguard/${name}.conf`);
  const digested = [...configs, ...FILTERS, "/var/lib/wireguard-mesh/wg0/host.sh", DROP_IN];
  return new Map([
    ["host", hostLines(host)],
    ["ip", ipLines(host)],
    ["wg", wgLines(host, presharedKeys)],
    ["kernel", kernelLines(host)],
    ["table", tableLines(host)],
    [
      "files",
      digested.flatMap((path) =>
        files.has(path) ? `${sha256(files.get(path) ?? "")}  ${path}` : [],
      ),
    ],
    ["hosts", hostsBlock(files.get(HOSTS) ?? "")],
    ["records", [...files.keys()].filter(isRecord).flatMap((path) => grepAll(host, path))],
    ["config", configs.flatMap((path) => grepAll(host, path)).filter((line) => !SECRET.test(line))],
    [
      "names",
      [...host.resolver].flatMap(([name, all]) => all.map((address) => `${name} ${address}`)),
    ],
    ["own-keys", ownKeys(host).map(publicKeyOf)],
  ]);
}

export const FILTERS = ["a", "b"].map((it) => `/etc/wireguard/${IFACE}.${it}.nft`);

export const DROP_IN = "/etc/sysctl.d/60-wireguard-mesh-wg0.conf";

const SECRET = /:(PrivateKey|PresharedKey) = /;

function isRecord(path: string): boolean {
  const own = /^\/(var\/lib|run)\/wireguard-mesh\/wg0\/(?!host\.sh|own-keys|log)/.test(path);
  return (
    own ||
    path.endsWith("/owner") ||
    path === DROP_IN ||
    [NAMES, NAMES_UNIT, DNS_CONFIG, DNS_UNIT].includes(path)
  );
}

function grepAll({ files }: Host, path: string): string[] {
  const text = files.get(path);
  return text === undefined || text === ""
    ? []
    : text
        .replace(/\n$/, "")
        .split("\n")
        .map((line) => `${path}:${line}`);
}

function hostLines(host: Host): string[] {
  return [
    "boot 11111111-2222-3333-4444-555555555555",
    `now ${host.now}`,
    `init ${host.init}`,
    `tools ${TOOLS}`,
    "ip full",
    ...(host.cloudInit ? ["cloud-init"] : []),
    ...(host.links.has(IFACE) ? [] : ["wireguard kernel"]),
    ...[...host.bootLinks].map((path) => `link ${path}`),
    ...(host.dns === null ? [] : ["dns 77"]),
    `watcher ${host.watcherRuns ? "running" : "missing"}`,
    `ticker ${host.tickerRuns ? "running" : "missing"}`,
  ];
}

function ipLines(host: Host): string[] {
  const links = [...host.links].map(([ifname, link], ifindex) => ({
    ifindex,
    ifname,
    flags: ["NOARP", ...(link.up ? ["UP", "LOWER_UP"] : [])],
    mtu: link.mtu,
    operstate: "UNKNOWN",
    link_type: link.type,
  }));
  const addresses = links.map((link) => ({
    ...link,
    addr_info: (host.links.get(link.ifname)?.addresses ?? []).map((address) => ({
      family: address.includes(":") ? "inet6" : "inet",
      local: address.slice(0, address.indexOf("/")),
      prefixlen: Number(address.slice(address.indexOf("/") + 1)),
      scope: "global",
      label: link.ifname,
    })),
  }));
  const rules = (of: 4 | 6) => [
    { priority: 0, src: "all", table: "local" },
    ...host.rules
      .filter(({ family }) => family === of)
      .map(({ priority, table, not, suppress }) => ({
        priority,
        ...(not === null ? {} : { not: null, fwmark: not }),
        src: "all",
        table,
        ...(suppress ? { suppress_prefixlen: 0 } : {}),
      })),
    { priority: 32766, src: "all", table: "main" },
  ];
  return [links, addresses, host.routes.map(routeJson), rules(4), rules(6)].map((entries) =>
    JSON.stringify(entries),
  );
}

/** iproute2 prints no `boot`, no table `main` and no type `unicast`, and leaves out the length of a single address. */
function routeJson({ prefix, dev, via, metric, proto, scope, src, table, type }: Route) {
  return {
    ...(type === "unicast" ? {} : { type }),
    dst: prefix.replace(/\/(32|128)$/, "").replace(/^.*\/0$/, "default"),
    ...(via === null ? {} : { gateway: via }),
    ...(dev === null ? {} : { dev }),
    ...(table === "main" ? {} : { table }),
    ...(proto === "boot" ? {} : { protocol: proto }),
    ...(scope === null ? {} : { scope }),
    ...(src === null ? {} : { prefsrc: src }),
    ...(metric === 0 ? {} : { metric }),
    flags: [],
    ...(prefix.includes(":") ? { pref: "medium" } : {}),
  };
}

function wgLines(host: Host, presharedKeys: Secret | null): string[] {
  const wanted = new Map(
    (presharedKeys?.reveal() ?? "").split("\n").map((line) => {
      const [name = "", key = "", presharedKey = ""] = line.split("\t");
      return [`${name} ${key}`, presharedKey];
    }),
  );
  return [...host.links].flatMap(([name, { wg }]) => {
    if (wg === null) return [];
    const own = wg.privateKey === null ? "(none)" : publicKeyOf(wg.privateKey);
    const peers = [...wg.peers].map(([key, peer]) =>
      [name, key, stateOf(peer, wanted.get(`${name} ${key}`)), ...peerColumns(peer)].join("\t"),
    );
    return [[name, own, wg.port, wg.mark ?? "off"].join("\t"), ...peers];
  });
}

function stateOf({ presharedKey }: Peer, wanted: string | undefined): string {
  if (presharedKey === null) return "none";
  if (wanted === undefined) return "set";
  return presharedKey === wanted ? "same" : "other";
}

function peerColumns({ endpoint, allowedIps, handshake, keepalive }: Peer): (string | number)[] {
  const allowed = allowedIps.size === 0 ? "(none)" : [...allowedIps].join(",");
  return [endpoint ?? "(none)", allowed, handshake, 0, 0, keepalive === 0 ? "off" : keepalive];
}

/** As another version of nft prints it: blank lines, and sets on several lines, in another order. */
function tableLines({ table }: Host): string[] {
  return (table ?? []).flatMap((line) => {
    const [, head = "", list = "", tail = ""] = /^(.*\{ )(.* .*)( \}.*)$/.exec(line) ?? [];
    return list === ""
      ? [line, ""]
      : [`${head}${list.split(", ").reverse().join(",\n\t\t\t")}${tail}`].join().split("\n");
  });
}

function kernelLines({ sysctls, links }: Host): string[] {
  return [
    ...[...sysctls].map(([key, value]) => `/proc/sys/${key}:${value}`),
    ...[...links].flatMap(([name, { deviceType }]) =>
      deviceType === null ? [] : [`/sys/class/net/${name}/uevent:DEVTYPE=${deviceType}`],
    ),
  ];
}
