/** Differences as text, for status, drift and messages of a push. */
import { filterTable } from "../filter-table";
import type { Difference, PeerDifference } from "./difference";
import { ROTATION_TABLE } from "./kernel-settings";

/**
 * One line. `names`: names of nodes by public key. The name of `main`, the first interface, is left out if it is clear.
 */
export function formatDifference(
  difference: Difference,
  names: ReadonlyMap<string, string>,
  main: string,
): string {
  const isMain = !("interface" in difference) || difference.interface === main;
  if ("publicKey" in difference) {
    return (isMain ? "" : `${difference.interface}: `) + formatPeer(difference, names);
  }
  switch (difference.kind) {
    case "owner":
      return difference.owner === null
        ? `${difference.interface} exists, but has no owner mark: wireguard-mesh did not set it up`
        : `${difference.interface} belongs to ${difference.owner}`;
    case "pending":
      return "a change is not confirmed";
    case "interface":
      return presence(difference.interface, difference.is);
    case "public-key":
    case "listen-port":
    case "mtu": {
      const what = VALUES[difference.kind] + (isMain ? "" : ` of ${difference.interface}`);
      return compared(what, difference.is, difference.wanted);
    }
    case "address":
      return presence(`address ${difference.address}`, difference.is);
    case "route":
      return presence(`the route to ${difference.prefix}`, difference.is);
    case "mark":
      return compared(
        "mark of its own packets",
        difference.is ?? "off",
        difference.wanted ?? "off",
      );
    case "rule":
      return presence(
        `the IPv${difference.family} ${ruleName(difference.selector)}`,
        difference.is,
      );
    case "sysctl":
      return formatSysctl(difference.key, difference.is, difference.wanted);
    case "filter":
      return formatFilter(difference, main);
    case "watcher":
      return WATCHERS[difference.is];
    case "file":
      return formatFile(difference.path, difference.is);
    case "hosts":
      return NAMES[difference.is];
    case "dns":
      return difference.is === "missing"
        ? "its DNS server for the names of nodes is not running"
        : "its DNS server for the names of nodes is not in the plan";
    case "start":
      return atBoot(difference.name);
    case "ticker":
      return NOT_FOLLOWED;
    case "record":
      return RECORDS[difference.is];
    case "owner-mark":
      return difference.is === "missing"
        ? `${main} has no owner mark: wireguard-mesh did not set it up; it has this node's key, so the next push takes it over`
        : "its owner mark has another name of the node or of its machine";
  }
}

function ruleName(selector: string): string {
  return selector === `table ${ROTATION_TABLE}`
    ? "rule for rotating keys"
    : `rule that leads into the tunnel (${selector})`;
}

const VALUES = { "public-key": "public key", "listen-port": "listen port", mtu: "MTU" } as const;

const WATCHERS = {
  missing: "the watcher of the rotating keys is not running",
  other: "the watcher of the rotating keys follows other keys",
} as const;

const AT_BOOT = "it would not be as planned after a boot: its unit or sysctl file differs";
const NAMES_AT_BOOT = "names of nodes would be missing after a boot: their unit differs";

/** `place`: a unit, a script or a path. */
function atBoot(place: string): string {
  return /wireguard-mesh-(dns|names)[-.]/.test(place) ? NAMES_AT_BOOT : AT_BOOT;
}

const NAMES = {
  missing: "the names of nodes are missing in /etc/hosts",
  extra: "the names of nodes in /etc/hosts are not in the plan",
  outdated: "the names of nodes in /etc/hosts are not as planned",
} as const;

const NOT_FOLLOWED =
  "its periodic tasks (expiry dates of peers, names in endpoints) are not as planned";

const RECORDS = {
  missing: "no config was confirmed yet",
  "older-format": "its records are those of an older version",
  "other-config": "the config that was confirmed last is another one",
  outdated: "its records of the confirmed config are outdated",
} as const;

function formatPeer(difference: PeerDifference, names: ReadonlyMap<string, string>): string {
  const name = names.get(difference.publicKey) ?? difference.publicKey;
  switch (difference.kind) {
    case "peer":
      return presence(`peer ${name}`, difference.is);
    case "allowed-ip":
      return presence(`allowed IP of peer ${name}: ${difference.prefix}`, difference.is);
    case "preshared-key": {
      const what = `preshared key of peer ${name}`;
      return difference.is === "other" ? `${what} is another one` : presence(what, difference.is);
    }
    case "keepalive":
      return compared(
        `persistent keepalive of peer ${name}`,
        difference.is || "off",
        difference.wanted || "off",
      );
    case "endpoint": {
      const { is, wanted, to, session } = difference;
      const what = `endpoint of peer ${name}`;
      if (session !== "kept" || is === null || to === wanted) return compared(what, is, wanted);
      return `${what} is ${is}, and no handshake for 180 s; ${wanted} has another address now`;
    }
    case "session":
      return `the machine of peer ${name} was replaced: it needs a new handshake`;
  }
}

function formatSysctl(key: string, is: string, wanted: string): string {
  const [, device] = /^net\/ipv6\/conf\/(.+)\/accept_ra$/.exec(key) ?? [];
  if (device !== undefined) {
    return `accept_ra of ${device} is ${is}: a host that forwards would lose its IPv6 default route`;
  }
  const family = FORWARDING[key];
  if (family === undefined) return compared(key, is, wanted);
  return wanted === "0"
    ? `it forwards ${family}, which is not in the plan`
    : `it does not forward ${family}`;
}

const FORWARDING: Readonly<Record<string, string>> = {
  "net/ipv4/ip_forward": "IPv4",
  "net/ipv6/conf/all/forwarding": "IPv6",
};

type FilterDifference = Extract<Difference, { kind: "filter" }>;

/** Longer lines of a table are cut. */
const MAX_LINE = 120;

function formatFilter(difference: FilterDifference, main: string): string {
  const what = `its packet filter (nft table ${filterTable(main)})`;
  if (difference.is !== "other") return presence(what, difference.is);
  const { missing, extra } = difference;
  const listed = (lines: readonly string[], how: string) => {
    const [first, ...others] = lines;
    if (first === undefined) return [];
    const line = first.length > MAX_LINE ? `${first.slice(0, MAX_LINE)}…` : first;
    return [`${how}: ${line}${others.length === 0 ? "" : ` (and ${others.length} more)`}`];
  };
  const all = [...listed(missing, "missing"), ...listed(extra, "not in the plan")];
  return `${what} differs: ${all.join("; ") || "its lines are in another order"}`;
}

function formatFile(
  path: string,
  is: "missing" | "extra" | "edited" | "outdated" | "open",
): string {
  if (path.startsWith("/etc/sysctl.d/") || path.startsWith("/etc/systemd/")) return atBoot(path);
  if (path.endsWith("/tasks")) return NOT_FOLLOWED;
  switch (is) {
    case "missing":
      return `${path} is missing`;
    case "edited":
      return `${path} was edited by hand`;
    case "open":
      return `${path} can be read or written by others than root`;
    case "outdated":
      return `${path} is not as planned, which counts at the next boot`;
    case "extra":
      return `${path} is not in the plan`;
  }
}

function presence(what: string, is: "missing" | "extra" | "down"): string {
  return is === "extra" ? `${what} is not in the plan` : `${what} is ${is}`;
}

function compared(what: string, is: string | number | null, planned: string | number): string {
  return `${what} is ${is ?? "not set"}, planned is ${planned}`;
}
