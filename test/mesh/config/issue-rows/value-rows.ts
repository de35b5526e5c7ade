/** Issues of single values. */
import { Secret } from "../../../../mesh/secret";
import { changed, hostKey, keys } from "../../../support/small-network";
import type { Row } from "./row";

const IP = "write e.g. 10.86.0.2 or fd5c:10::2";
const IPV4 = "write four decimal numbers from 0 to 255 without leading zeros, e.g. 10.86.0.2";
const PREFIX = "write it as ADDRESS/LENGTH, e.g. 10.86.0.0/24";
const NAME =
  "use a DNS label: lower-case letters, digits and single hyphens, at most 63 characters";
const ENDPOINT =
  "write HOST:PORT, e.g. 203.0.113.10:51820, [2001:db8::1]:51820 or vpn.example.org:51820";
const NOT_DIALABLE = "is not an address that another machine can dial";
const OUTER = "use the machine's address on the outer network, e.g. 203.0.113.10";
const DNS = "write e.g. 203.0.113.10 or vpn.example.org";
const PORT = "use a whole number from 1 to 65535";
const KEY = "a key is 44 characters of base64, as `wg pubkey` prints it";
const HOST_KEY =
  "copy the machine's own line, from a session you trust: cat /etc/ssh/ssh_host_ed25519_key.pub";
const INTERFACE = "use 1 to 15 characters of A-Z a-z 0-9 _ = + . -, e.g. wg0 (wg-quick's rule)";
const MTU = "use a whole number from 576 (1280 with IPv6) to 65456, e.g. 1420";
const KEEPALIVE = "use whole seconds from 1 to 65535, or 0 for off";
const DATE = 'write "2026-12-31" or "2026-12-31T18:00:00Z"';
const LOGIN = "write user@address, user@address:port, user@via:RELAY or local";

export const valueRows: Row[] = [
  ...inDesktop("address", [
    [
      "10.86.0.2/24",
      '"10.86.0.2/24" has a prefix length',
      "write only the address; the prefix length comes from network.cidr",
    ],
    ["010.86.0.2", '"010.86.0.2" is not an IPv4 address', IPV4],
    ["0x0a.86.0.2", '"0x0a.86.0.2" is not an IPv4 address', IPV4],
    ["10.86.2", '"10.86.2" is not an IPv4 address', IPV4],
    ["10.86.0.256", '"10.86.0.256" is not an IPv4 address', IPV4],
    ["::ffff:10.86.0.2", '"::ffff:10.86.0.2" is an IPv4-mapped IPv6 address', "write 10.86.0.2"],
    ["fd5c:10::2", "fd5c:10::2 is an IPv6 address", "put it in address6"],
    ["fe80::1%eth0", '"fe80::1%eth0" is not an IP address', IP],
    ["desktop", '"desktop" is not an IP address', IP],
    ["", '"" is not an IP address', IP],
    [undefined, "is missing", "add it, e.g. 10.86.0.2"],
    [null, "is missing", "add it, e.g. 10.86.0.2"],
    [7, "is a number, but should be text", "write e.g. 10.86.0.2"],
    [["10.86.0.2"], "is a list, but should be text", "write e.g. 10.86.0.2"],
    [{ ip: "10.86.0.2" }, "is a map, but should be text", "write e.g. 10.86.0.2"],
    [true, "is a boolean, but should be text", "write e.g. 10.86.0.2"],
    [
      Secret.sealed(),
      "is encrypted, but names, addresses and public keys must be readable in a review",
      "set it again without --secret",
    ],
  ]),
  ...inDesktop("address6", [["10.86.0.9", "10.86.0.9 is an IPv4 address", "put it in address"]]),
  ...inDesktop("publicKey", [
    [keys.desktop.publicKey.slice(0, 43), "is not a WireGuard key", KEY],
    [
      Buffer.alloc(32).toString("base64"),
      "is the all-zero key, which cannot be used",
      "make a key pair: wg genkey | tee key | wg pubkey",
    ],
    [undefined, "is missing", "add it, e.g. the line that `wg pubkey` prints"],
  ]),
  ...inDesktop("endpoint", [
    ["203.0.113.7", '"203.0.113.7" is not an endpoint', ENDPOINT],
    ["2001:db8::1:51820", '"2001:db8::1:51820" is not an endpoint', ENDPOINT],
    ["127.0.0.1:51820", `127.0.0.1 ${NOT_DIALABLE}`, OUTER],
    ...["0.0.0.0", "0.1.2.3", "169.254.1.2", "224.0.0.5", "240.0.0.1", "255.255.255.255"].map(
      (host): Value => [`${host}:51820`, `${host} ${NOT_DIALABLE}`, OUTER],
    ),
    ...["ff02::1", "fe80::1", "::1", "::"].map((host): Value => [
      `[${host}]:51820`,
      `${host} ${NOT_DIALABLE}`,
      OUTER,
    ]),
    ...["localhost", "pc.localhost", "localhost.localdomain", "ip6-loopback"].map((host): Value => [
      `${host}:51820`,
      `${host} ${NOT_DIALABLE}`,
      OUTER,
    ]),
    ["0x7f.1:51820", '"0x7f.1" is neither an address nor a DNS name', DNS],
    ["203.0.113.7:70000", "70000 is not a port", PORT],
    ["203.0.113.7:0", "0 is not a port", PORT],
    ["203.0.113:51820", '"203.0.113" is not an IPv4 address', IPV4],
    [
      "[203.0.113.7]:51820",
      '"203.0.113.7" is not an IPv6 address',
      "put only IPv6 addresses in brackets",
    ],
    [
      "home_pc.example.org:51820",
      '"home_pc.example.org" is neither an address nor a DNS name',
      DNS,
    ],
  ]),
  ...inDesktop("siteEndpoint", [["192.168.1.2", '"192.168.1.2" is not an endpoint', ENDPOINT]]),
  ...inDesktop("listenPort", [
    [65536, "65536 is not a port", PORT],
    [51820.5, "51820.5 is not a port", PORT],
    ["51820", "is a string, but should be a number", "write e.g. 51820"],
  ]),
  ...inDesktop("persistentKeepalive", [
    [65536, "65536 is not a keepalive interval", KEEPALIVE],
    [-1, "-1 is not a keepalive interval", KEEPALIVE],
    ["25s", "is a string, but should be a number", "write e.g. 25"],
  ]),
  ...inDesktop("mtu", [
    [575, "575 is not a usable MTU", MTU],
    [65457, "65457 is not a usable MTU", MTU],
  ]),
  ...inDesktop("site", [["Office", '"Office" cannot be a name', NAME]]),
  ...inDesktop("enabled", [["no", "is a string, but should be true or false", "write e.g. true"]]),
  ...inDesktop("expires", [
    ["tomorrow", '"tomorrow" is not a date', DATE],
    ["2027-02-29", '"2027-02-29" is not a date', DATE],
    ["2027-04-31T10:00:00+09:00", '"2027-04-31T10:00:00+09:00" is not a date', DATE],
    ["2026-13-01", '"2026-13-01" is not a date', DATE],
  ]),
  ...inDesktop("tags", [["guest", "is not a list", "write a list: [ ... ]"]]),
  ...inDesktop("host", [[[], "is an empty list", "leave it out, or list at least one"]]),
  ...inDesktop("host", [
    ["198.51.100.9", '"198.51.100.9" does not say how to log in', LOGIN],
    [
      "-oProxyCommand=x@198.51.100.9",
      '"-oProxyCommand=x@198.51.100.9" does not say how to log in',
      LOGIN,
    ],
    [
      "root@2001:db8::1",
      '"2001:db8::1" is not an address to log in to',
      "write user@address or user@address:port, an IPv6 address in brackets",
    ],
    ["root@-oProxyCommand", '"-oProxyCommand" is neither an address nor a DNS name', DNS],
  ]).map((row): Row => withIndex(row)),
  {
    title: "one invalid tag of two is reported with its index",
    raw: changed({ peers: { desktop: { tags: ["guest", "Admin"] } } }),
    issues: [["peers.desktop.tags[1]", "error", '"Admin" cannot be a name', NAME]],
  },
  {
    title: "hostKey that is not text",
    raw: changed({ peers: { desktop: { hostKey: [7] } } }),
    issues: [
      [
        "peers.desktop.hostKey[0]",
        "error",
        "is a number, but should be text",
        'write e.g. "ssh-ed25519 AAAA..."',
      ],
    ],
  },
  {
    title: "hostKey of an unknown type",
    raw: changed({ peers: { desktop: { hostKey: "ssh-dss AAAAB3Nz" } } }),
    issues: [
      ["peers.desktop.hostKey[0]", "error", '"ssh-dss" is not a type of SSH host key', HOST_KEY],
    ],
  },
  {
    title: "hostKey that is truncated",
    raw: changed({ peers: { desktop: { hostKey: hostKey.slice(0, 30) } } }),
    issues: [["peers.desktop.hostKey[0]", "error", "is not a complete ssh-ed25519 key", HOST_KEY]],
  },
  ...inNetwork("cidr", [
    ["10.86.0.0", '"10.86.0.0" is not a prefix', PREFIX],
    ["10.86.0.0/33", "/33 is longer than an IPv4 address", "use a length from 0 to 32"],
    ["10.86.0.1/24", '"10.86.0.1/24" has host bits set', "write 10.86.0.0/24"],
    [
      "10.0.0.0/7",
      "10.0.0.0/7 would route much of the internet into the tunnel",
      "use a private prefix of /8 or longer, e.g. 10.86.0.0/24",
    ],
    ["fd5c:10::/64", "fd5c:10::/64 is an IPv6 prefix", "put it in network.cidr6"],
  ]),
  ...inNetwork("cidr6", [
    ["10.86.0.0/24", "10.86.0.0/24 is an IPv4 prefix", "put it in network.cidr"],
    ["fd5c:10::/129", "/129 is longer than an IPv6 address", "use a length from 0 to 128"],
    [
      "fd00::/31",
      "fd00::/31 would route much of the internet into the tunnel",
      "use a private prefix of /32 or longer, e.g. fd5c:10::/64",
    ],
  ]),
  ...inNetwork("interface", [
    ["wireguard-mesh-0", '"wireguard-mesh-0" cannot be an interface name', INTERFACE],
    ["wg 0", '"wg 0" cannot be an interface name', INTERFACE],
    ["wg/0", '"wg/0" cannot be an interface name', INTERFACE],
    ["..", '".." cannot be an interface name', INTERFACE],
    ["lo", '"lo" cannot be an interface name', INTERFACE],
  ]),
  ...inNetwork("topology", [
    ["ring", '"ring" is not a valid value', "use auto or star"],
    [2, "is a number, but should be text", "write e.g. auto"],
  ]),
];

type Value = [written: unknown, message: string, remedy: string];

function inDesktop(key: string, values: Value[]): Row[] {
  return values.map(([written, message, remedy]) => ({
    title: `peers.desktop.${key} ${show(written)}`,
    raw: changed({ peers: { desktop: { [key]: written } } }),
    issues: [[`peers.desktop.${key}`, "error", message, remedy]],
  }));
}

function inNetwork(key: string, values: Value[]): Row[] {
  return values.map(([written, message, remedy]) => ({
    title: `network.${key} ${show(written)}`,
    raw: changed({ network: { [key]: written } }),
    issues: [[`network.${key}`, "error", message, remedy]],
  }));
}

function withIndex(row: Row): Row {
  return { ...row, issues: row.issues.map(([path, ...rest]) => [`${path}[0]`, ...rest]) };
}

function show(written: unknown): string {
  return written === undefined ? "(absent)" : JSON.stringify(written);
}
