/** Parsers of single config values. Each throws a Mistake for an invalid value. */
import { isDialable, parseAddress, parsePrefix, type IpAddress } from "../addresses";
import { decodeKey } from "../key-text";
import type { Endpoint, Host, Subnet } from "./config";
import { ENDPOINT, INTERFACE, isWithin, KEEPALIVE, MOMENT, MTU, NAME, PORT } from "./patterns";
import { Mistake, quote } from "./mistake";

export const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** Names with another meaning in /sys and in sysctl. */
const RESERVED_INTERFACES = [".", "..", "lo", "all", "default"];
const USER = /^[a-z_][a-z0-9_.-]{0,31}$/i;
const HOST_KEY_TYPES =
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com)$/;

/**
 * The name of a node, a tag or a site: a lower-case DNS label (RFC 1123) without `--`, so that a node's name can be used as a
 * host name and a file name.
 */
export function parseName(text: string): string {
  if (NAME.test(text)) return text;
  throw new Mistake(
    `${quote(text)} cannot be a name`,
    "use a DNS label: lower-case letters, digits and single hyphens, at most 63 characters",
  );
}

/** A selector of a policy: a node's name, `tag:NAME`, a CIDR in canonical form, or `*`. */
export function parseSelector(text: string): string {
  if (text === "*") return text;
  if (text.startsWith("tag:")) return `tag:${parseName(text.slice(4))}`;
  if (text.includes("/")) return parsePrefix(text).text;
  if (/^[\d.]+$/.test(text) || text.includes(":")) {
    throw new Mistake(
      `${quote(text)} is not a node, a tag or a LAN`,
      "write a node's name, tag:NAME, the CIDR of a LAN behind a node, or *",
    );
  }
  return parseName(text);
}

/** A public key as `wg pubkey` prints it. The value is never in the message, because it may be a private key. */
export function parsePublicKey(text: string): string {
  const bytes = decodeKey(text);
  if (bytes === null) {
    throw new Mistake(
      "is not a WireGuard key",
      "a key is 44 characters of base64, as `wg pubkey` prints it",
    );
  }
  if (bytes.every((byte) => byte === 0)) {
    throw new Mistake(
      "is the all-zero key, which cannot be used",
      "make a key pair: wg genkey | tee key | wg pubkey",
    );
  }
  return text;
}

/** wg-quick(8): 1 to 15 characters of [A-Za-z0-9_=+.-]. */
export function parseInterface(text: string): string {
  if (INTERFACE.test(text) && !RESERVED_INTERFACES.includes(text)) return text;
  throw new Mistake(
    `${quote(text)} cannot be an interface name`,
    "use 1 to 15 characters of A-Z a-z 0-9 _ = + . -, e.g. wg0 (wg-quick's rule)",
  );
}

export function parseEndpoint(text: string): Endpoint {
  const match = ENDPOINT.exec(text);
  if (match === null) {
    throw new Mistake(
      `${quote(text)} is not an endpoint`,
      "write HOST:PORT, e.g. 203.0.113.10:51820, [2001:db8::1]:51820 or vpn.example.org:51820",
    );
  }
  const [, v6, other = "", port = ""] = match;
  const host = v6 === undefined ? parseHostName(other) : parseOuterAddress(v6, 6).text;
  if (!isDialable(host)) {
    throw new Mistake(
      `${host} is not an address that another machine can dial`,
      "use the machine's address on the outer network, e.g. 203.0.113.10",
    );
  }
  return { host, port: parsePort(Number(port)) };
}

/** `local`, `user@address[:port]` or `user@via:RELAY`. The default port is 22. */
export function parseHost(text: string): Host {
  if (text === "local") return { kind: "local" };
  const at = text.indexOf("@");
  const user = text.slice(0, Math.max(at, 0));
  const rest = text.slice(at + 1);
  if (at < 0 || !USER.test(user)) {
    throw new Mistake(
      `${quote(text)} does not say how to log in`,
      "write user@address, user@address:port, user@via:RELAY or local",
    );
  }
  if (rest.startsWith("via:")) return { kind: "via", user, relay: parseName(rest.slice(4)) };
  const match = /^(?:\[([^\]]*)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(rest);
  if (match === null) {
    throw new Mistake(
      `${quote(rest)} is not an address to log in to`,
      "write user@address or user@address:port, an IPv6 address in brackets",
    );
  }
  const [, v6, other = "", port = "22"] = match;
  const address = v6 === undefined ? parseHostName(other) : parseOuterAddress(v6, 6).text;
  return { kind: "ssh", user, address, port: parsePort(Number(port)) };
}

/** A line of a public key file, `TYPE BASE64 [COMMENT]` (sshd(8)), without its comment. */
export function parseHostKey(text: string): string {
  const remedy =
    "copy the machine's own line, from a session you trust: cat /etc/ssh/ssh_host_ed25519_key.pub";
  return parseSshKey(text, "SSH host key", remedy);
}

/** A public key for SSH login: a line of authorized_keys without options. */
export function parseLoginKey(text: string): string {
  return parseSshKey(
    text,
    "SSH public key",
    "copy a line from `ssh-add -L` or ~/.ssh/id_ed25519.pub",
  );
}

function parseSshKey(text: string, what: string, remedy: string): string {
  const [type = "", blob = ""] = text.trim().split(/\s+/);
  if (!HOST_KEY_TYPES.test(type))
    throw new Mistake(`${quote(type)} is not a type of ${what}`, remedy);
  if (hostKeyTypeIn(blob) !== type) throw new Mistake(`is not a complete ${type} key`, remedy);
  return `${type} ${blob}`;
}

/** `{ lan, as }`: the LAN's own prefix, and its prefix in the network. */
export function parseMappedLan(lan: string, as: string): Subnet {
  const [own, known] = [parsePrefix(lan), parsePrefix(as)];
  if (own.family === known.family && own.length === known.length) return { ...known, lan: own };
  throw new Mistake(
    `${own.text} and ${known.text} do not have the same number of addresses`,
    "write both with one length, e.g. { lan: 192.168.1.0/24, as: 10.99.1.0/24 }",
  );
}

export function parsePort(port: number): number {
  if (isWithin(port, PORT)) return port;
  throw new Mistake(`${port} is not a port`, "use a whole number from 1 to 65535");
}

export function parseKeepalive(seconds: number): number {
  if (isWithin(seconds, KEEPALIVE)) return seconds;
  throw new Mistake(
    `${seconds} is not a keepalive interval`,
    "use whole seconds from 1 to 65535, or 0 for off",
  );
}

export function parseMtu(mtu: number): number {
  if (isWithin(mtu, MTU)) return mtu;
  throw new Mistake(
    `${mtu} is not a usable MTU`,
    "use a whole number from 576 (1280 with IPv6) to 65456, e.g. 1420",
  );
}

/** `expires`, in milliseconds since 1970: a date (the end of that day, UTC) or a full ISO 8601 time. */
export function parseExpiry(written: string): number {
  const text = withoutYamlTime(written);
  const [, day = "", time] = MOMENT.exec(text) ?? [];
  const moment = Date.parse(`${day}${time ?? "T23:59:59.999Z"}`);
  if (isDay(day) && !Number.isNaN(moment)) return moment;
  throw new Mistake(`${quote(text)} is not a date`, 'write "2026-12-31" or "2026-12-31T18:00:00Z"');
}

/** Reports whether the date exists; Date.parse reads 31 February as 3 March. */
function isDay(text: string): boolean {
  const moment = Date.parse(text);
  return !Number.isNaN(moment) && new Date(moment).toISOString().startsWith(text);
}

/** The engine reads a date without quotes as a YAML timestamp and passes it on as `2026-12-31 00:00:00 +0000 UTC`. */
function withoutYamlTime(text: string): string {
  const match = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}) \+0000 UTC$/.exec(text);
  if (match === null) return text;
  const [, day = "", time = ""] = match;
  return time === "00:00:00" ? day : `${day}T${time}Z`;
}

/** A DNS name or IPv4 address on the outer network. */
function parseHostName(text: string): string {
  if (/^[\d.]+$/.test(text)) return parseOuterAddress(text, 4).text;
  const labels = text.toLowerCase().split(".");
  // Most resolvers read a name with a numeric last label as an address: 0x7f.1 is 127.0.0.1.
  const numeric = /^(0x[0-9a-f]*|\d+)$/.test(labels.at(-1) ?? "");
  if (text.length <= 253 && !numeric && labels.every((label) => DNS_LABEL.test(label))) {
    return text.toLowerCase();
  }
  throw new Mistake(
    `${quote(text)} is neither an address nor a DNS name`,
    "write e.g. 203.0.113.10 or vpn.example.org",
  );
}

function parseOuterAddress(text: string, family: 4 | 6): IpAddress {
  const address = parseAddress(text);
  if (address.family === family) return address;
  throw new Mistake(
    `${quote(text)} is not an IPv${family} address`,
    "put only IPv6 addresses in brackets",
  );
}

/** The key type inside a public key blob (RFC 4253, section 6.6), or null if it is not valid base64. */
function hostKeyTypeIn(blob: string): string | null {
  if (!/^[A-Za-z0-9+/]{40,}={0,2}$/.test(blob) || blob.length % 4 !== 0) return null;
  const bytes = Uint8Array.from(atob(blob), (character) => character.charCodeAt(0));
  const length = new DataView(bytes.buffer).getUint32(0);
  return new TextDecoder().decode(bytes.subarray(4, 4 + length));
}
