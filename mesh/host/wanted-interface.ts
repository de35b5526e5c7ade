/** A WireGuard interface as a push request wants it, parsed from its wg-quick(8) file. */
import { EXPIRY_COMMENT, ON_THIS_HOST } from "../push-request";
import { HIDDEN, Secret } from "../secret";
import { TUNNEL_TABLE } from "../exit-routing";
import { splitAt } from "./lines";
import { canonicalAddress, interfaceAddress, prefixOf } from "./prefixes";

export interface WantedInterface {
  name: string;
  /** The wg-quick(8) file as in the request. */
  text: Secret;
  publicKey: string;
  /** Null: only the host has it. */
  privateKey: Secret | null;
  /** `ADDRESS/LENGTH`, canonical. */
  addresses: readonly string[];
  /** Former addresses that it keeps for a while, in the same form; the watcher may remove them (former-addresses.ts). */
  formerAddresses?: readonly string[];
  /** Null: any. */
  listenPort: number | null;
  /** Null: the host's choice. */
  mtu: number | null;
  /** Whether allowed IPs become routes (`Table = off`: no). */
  routed: boolean;
  /** The fwmark, as `0xca6c`; null: none. */
  mark: string | null;
  /** Whether all traffic of the host goes into the tunnel (full-tunnel.ts). */
  sendsAll: boolean;
  peers: readonly WantedPeer[];
}

export interface WantedPeer {
  /** The node's name. */
  name: string;
  publicKey: string;
  presharedKey: Secret | null;
  /** Canonical prefixes. */
  allowedIps: readonly string[];
  endpoint: WantedEndpoint | null;
  /** Seconds; 0: off. */
  keepalive: number;
  /** Seconds since 1970; null: never. */
  expires: number | null;
}

export interface WantedEndpoint {
  /** `HOST:PORT` as in the config. */
  text: string;
  /** A DNS name, or a canonical address (IPv6 without brackets). */
  host: string;
  isName: boolean;
  port: number;
}

/** Computes a public key. Passed in, because in JavaScript (mesh/keys.ts) it takes 13 ms for each push. */
export type PublicKeyOf = (privateKey: Secret) => string;

/** Parses `HOST:PORT` of a config. */
function parseWantedEndpoint(text: string): WantedEndpoint {
  const at = text.lastIndexOf(":");
  const host = text.slice(0, at).replace(/^\[|\]$/g, "");
  const address = canonicalAddress(host);
  return {
    text,
    host: address ?? host,
    isName: address === null,
    port: Number(text.slice(at + 1)),
  };
}

/** Secrets that are redacted in `config` are sealed. */
export function parseInterface(
  name: string,
  config: string,
  keys: Pick<WantedInterface, "publicKey" | "privateKey">,
): WantedInterface {
  const [head = "", ...sections] = config.split(/^\[Peer\]$/m);
  const settings = settingsIn(head);
  const number = (key: string) => (settings.has(key) ? Number(settings.get(key)) : null);
  return {
    name,
    text: Secret.of(config),
    ...keys,
    addresses: listIn(settings, "Address").flatMap((text) => interfaceAddress(text) ?? []),
    listenPort: number("ListenPort"),
    mtu: number("MTU"),
    routed: settings.get("Table") !== "off",
    mark: settings.get("FwMark") ?? null,
    sendsAll: settings.get("Table") === TUNNEL_TABLE,
    peers: sections.map((section, at) => parsePeer(nameAbove(sections[at - 1] ?? head), section)),
  };
}

/** The keys of the [Interface] section. */
export function keysIn(
  config: string,
  publicKeyOf: PublicKeyOf,
): Pick<WantedInterface, "publicKey" | "privateKey"> {
  const [, text = ""] = /^PrivateKey = (.*)$/m.exec(config) ?? [];
  if (text.startsWith(`${ON_THIS_HOST} `)) {
    return { publicKey: text.slice(ON_THIS_HOST.length + 1), privateKey: null };
  }
  const privateKey = Secret.of(text);
  return { publicKey: publicKeyOf(privateKey), privateKey };
}

function parsePeer(name: string | null, section: string): WantedPeer {
  const settings = settingsIn(section);
  const endpoint = settings.get("Endpoint");
  const presharedKey = settings.get("PresharedKey");
  const publicKey = settings.get("PublicKey") ?? "";
  return {
    name: name ?? publicKey,
    publicKey,
    presharedKey: presharedKey === undefined ? null : secretIn(presharedKey),
    allowedIps: listIn(settings, "AllowedIPs").flatMap((text) => prefixOf(text)?.text ?? []),
    endpoint: endpoint === undefined ? null : parseWantedEndpoint(endpoint),
    keepalive: Number(settings.get("PersistentKeepalive") ?? 0),
    expires: expiryIn(section),
  };
}

function expiryIn(section: string): number | null {
  const line = section.split("\n").find((it) => it.startsWith(EXPIRY_COMMENT));
  return line === undefined ? null : Date.parse(line.slice(EXPIRY_COMMENT.length)) / 1000;
}

/** A preshared key; sealed if it is redacted. */
function secretIn(text: string): Secret {
  return text === HIDDEN ? Secret.sealed() : Secret.of(text);
}

/** The last comment before a section is the node's name. Null for another line, which may be a secret. */
function nameAbove(text: string): string | null {
  const comment = text.trimEnd().split("\n").at(-1) ?? "";
  return comment.startsWith("# ") ? comment.slice(2).replace(/ \(next key\)$/, "") : null;
}

function settingsIn(section: string): Map<string, string> {
  const lines = section.split("\n").filter((line) => !line.startsWith("#") && line.includes(" = "));
  return new Map(lines.map((line) => splitAt(line, " = ")));
}

function listIn(settings: ReadonlyMap<string, string>, key: string): string[] {
  return (settings.get(key) ?? "").split(",").flatMap((text) => text.trim() || []);
}
