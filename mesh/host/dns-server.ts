/**
 * The DNS server of a relay, for devices that are not pushed to: a separate instance of dnsmasq. It answers queries from the
 * tunnel at the tunnel address, and forwards unknown names to the relay's resolver.
 */
import { alternateName } from "../plan/rotation";
import type { CommitStep } from "./change";
import type { BootDifference } from "./difference";
import { sameLines, words } from "./lines";
import { namesLines } from "./names";
import type { Observation } from "./observation";
import { pathsOf, wgQuickUnit } from "./paths";
import { addressOf } from "./prefixes";
import type { Wanted } from "./wanted";

export function servesDns({ names }: Pick<Wanted, "names">): boolean {
  return names?.serves === true;
}

/** dnsmasq(8); null where no server is wanted. */
export function dnsConfigLines(wanted: Wanted): string[] | null {
  if (wanted.names?.serves !== true) return null;
  const { name } = wanted.main;
  return [
    "# wireguard-mesh: names of nodes, for devices whose DNS server is this relay",
    // By interface, so that queries from other networks to the tunnel address get no answer.
    `interface=${name}`,
    // During a rotation, peers may use the second interface.
    `interface=${alternateName(name)}`,
    "except-interface=lo",
    // The interface may be recreated, or come up later.
    "bind-dynamic",
    "no-hosts",
    `addn-hosts=${pathsOf(name).names}`,
    `local=/${wanted.names.domain}/`,
    "domain-needed",
    // Answers must fit into one packet of the tunnel.
    "edns-packet-max=1232",
    "cache-size=1000",
  ];
}

/** systemd.service(5); null where no server is wanted. dnsmasq goes into the background once its sockets are bound. */
export function dnsUnitLines(wanted: Wanted): string[] | null {
  if (!servesDns(wanted)) return null;
  const { name } = wanted.main;
  return [
    "# wireguard-mesh",
    "[Unit]",
    `Description=Names of the nodes of ${name}`,
    `After=network.target ${wgQuickUnit(name)}`,
    "",
    "[Service]",
    "Type=forking",
    `PIDFile=${pidFile(name)}`,
    `ExecStart=${dnsCommand(name)}`,
    "Restart=on-failure",
    "RestartSec=5",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ];
}

/** openrc-run(8) */
export function dnsInitText(name: string): string {
  return `#!/sbin/openrc-run
description="Names of the nodes of ${name}, by wireguard-mesh"
pidfile=${pidFile(name)}
depend() { need localmount; use net; after wireguard-mesh.${name}; }
start() { ebegin "Starting the names of ${name}"; ${dnsCommand(name)}; eend $?; }
stop() { ebegin "Stopping the names of ${name}"; start-stop-daemon --stop --pidfile "$pidfile"; eend $?; }
`;
}

export function dnsDifference(
  { dnsProcess }: Observation,
  wanted: Wanted,
): Extract<BootDifference, { kind: "dns" }>[] {
  if (servesDns(wanted) === (dnsProcess !== null)) return [];
  return [{ kind: "dns", is: dnsProcess === null ? "missing" : "extra" }];
}

/** These steps follow those that place the files. */
export function dnsSteps(observed: Observation, wanted: Wanted): CommitStep[] {
  const { dnsProcess, records } = observed;
  if (!servesDns(wanted)) return dnsProcess === null ? [] : [{ do: "dns", verb: "stop" }];
  const isAsWanted =
    dnsProcess !== null &&
    sameLines(dnsConfigLines(wanted), records.dnsConfig) &&
    hasUnit(observed, wanted);
  if (!isAsWanted) return [{ do: "dns", verb: "restart" }];
  return sameLines(namesLines(wanted), records.names) ? [] : [{ do: "dns", verb: "reload" }];
}

/** Another program uses port 53 at the address. */
export function takenDnsPort(
  { dnsSockets, dnsProcess }: Observation,
  wanted: Wanted,
): { cause: string; remedy: string } | null {
  if (!servesDns(wanted)) return null;
  const own = wanted.main.addresses.map(addressOf);
  const places = new Set(["*", "0.0.0.0", "[::]", ...own, ...own.map((address) => `[${address}]`)]);
  const taken = dnsSockets.map(parseSocket).find(({ place, pid }) => {
    return places.has(place) && (pid === null || pid !== dnsProcess);
  });
  if (taken === undefined) return null;
  const { place, program, protocol } = taken;
  return {
    cause: `${program} on this host answers at ${place}:53 (${protocol}), where its devices are to ask for the names of nodes; nothing was changed`,
    remedy: `keep it off ${wanted.main.name} there (dnsmasq: except-interface=${wanted.main.name} and bind-dynamic; unbound: interface; BIND: listen-on), or take network.domain out`,
  };
}

/** `NETID STATE RECV-Q SEND-Q LOCAL:PORT PEER:PORT users:(("NAME",pid=PID,fd=FD))` (ss(8)). */
function parseSocket(line: string) {
  const [protocol = "", , , , local = ""] = words(line);
  const [, name, pid] = /users:\(\("([^"]*)",pid=(\d+)/.exec(line) ?? [];
  return {
    protocol,
    place: local.slice(0, local.lastIndexOf(":")),
    program: name === undefined ? "another program" : `${name} (process ${pid ?? ""})`,
    pid: pid === undefined ? null : Number(pid),
  };
}

function hasUnit({ init, records }: Observation, wanted: Wanted): boolean {
  return init !== "systemd" || sameLines(dnsUnitLines(wanted), records.dnsUnit);
}

/** Starts it; it goes into the background. */
export function dnsCommand(name: string): string {
  return `dnsmasq -C ${pathsOf(name).dnsConfig} -x ${pidFile(name)}`;
}

function pidFile(name: string): string {
  return `/run/wireguard-mesh-dns-${name}.pid`;
}
