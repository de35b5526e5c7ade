/** Renders a node's wg-quick(8) files. Only this file combines WireGuard's secrets with the plan. */
import { presharedKeyOf } from "../keys";
import { formatTime } from "../config/activity";
import { linkName } from "../config/link-keys";
import type { Network } from "../config/config";
import type { PeerSection } from "../plan/peer-section";
import type { NodePlan } from "../plan/plan";
import { interfaceKey, holdsNextKey } from "../plan/rotation";
import { isRouteAllHost } from "../plan/route-all";
import { EXPIRY_COMMENT, ON_THIS_HOST } from "../push-request";
import { HIDDEN, Secret } from "../secret";
import { BYPASS_MARK, TUNNEL_TABLE } from "../exit-routing";

/** The secrets of the stack that are set. */
export interface Keyring {
  privateKeys: ReadonlyMap<string, Secret>;
  /** Current private keys of nodes whose `privateKeys` entry already is the next key, during a rotation. */
  formerPrivateKeys: ReadonlyMap<string, Secret>;
  /** By link (link-keys.ts); absent: none. */
  presharedKeys?: ReadonlyMap<string, Secret>;
  /** All other links' keys are derived from it. */
  presharedKeySeed: Secret | null;
  /** Null: the user's own SSH agent and ssh_config. */
  sshPrivateKey: Secret | null;
  /** Seed of the stack's SSH authority; required with an ec2 relay. */
  sshAuthoritySeed: Secret | null;
}

/** The file with each secret as `(hidden)`, for a preview. */
export function renderRedacted(node: NodePlan, network: Network): string {
  return renderFile(firstInterface(node, network), REDACTED);
}

/** The file with its secrets. Throws if the keyring lacks a key that the plan requires. */
export function renderConfig(node: NodePlan, network: Network, keyring: Keyring): Secret {
  return Secret.of(renderFile(firstInterface(node, network), secretsOf(node, keyring)));
}

/** The file of a relay's second interface with each secret as `(hidden)`; null if it has none. */
export function renderRedactedAlternate(node: NodePlan, network: Network): string | null {
  const second = secondInterface(node, network);
  return second === null ? null : renderFile(second, REDACTED);
}

/** The file of a relay's second interface with its secrets; null if it has none. */
export function renderAlternate(node: NodePlan, network: Network, keyring: Keyring): Secret | null {
  const second = secondInterface(node, network);
  return second === null ? null : Secret.of(renderFile(second, secretsOf(node, keyring)));
}

/** One WireGuard interface without its secrets. */
interface Interface {
  title: string;
  publicKey: string;
  /** Where the private key is. */
  key: "config" | "former" | "host" | "device";
  /** Lines of the [Interface] section after the private key; null entries are left out. */
  settings: (string | null)[];
  sections: PeerSection[];
}

/** The secrets of a file, or their redacted forms. */
interface SecretValues {
  privateKey: (from: "config" | "former") => string;
  presharedKey: (own: string, section: PeerSection) => string;
}

const REDACTED: SecretValues = { privateKey: () => HIDDEN, presharedKey: () => HIDDEN };

function secretsOf(node: NodePlan, keyring: Keyring): SecretValues {
  const { presharedKeys, presharedKeySeed, privateKeys, formerPrivateKeys } = keyring;
  return {
    privateKey: (from) => {
      const key = (from === "former" ? formerPrivateKeys : privateKeys).get(node.name);
      if (key === undefined) throw new Error(`no private key of ${node.name}`);
      return key.reveal();
    },
    presharedKey: (own, section) => {
      const given = presharedKeys?.get(linkName(node.name, section.name));
      if (given !== undefined) return given.reveal();
      if (presharedKeySeed === null) throw new Error("no seed for preshared keys");
      return presharedKeyOf(presharedKeySeed, own, section.publicKey).reveal();
    },
  };
}

function firstInterface(node: NodePlan, network: Network): Interface {
  const mtu = node.mtu ?? network.mtu;
  return {
    title: node.name,
    publicKey: interfaceKey(node),
    key: keyOfFirst(node),
    settings: [
      `Address = ${interfaceAddresses(node, network).join(", ")}`,
      node.listenPort === null ? null : `ListenPort = ${node.listenPort}`,
      mtu === null ? null : `MTU = ${mtu}`,
      ...(isRouteAllHost(node) ? [`FwMark = ${BYPASS_MARK}`, `Table = ${TUNNEL_TABLE}`] : []),
      dnsLine(node),
    ],
    sections: node.sections,
  };
}

/** The servers from the config, else the relay. wg-quick(8) takes a value that is not an address as a search domain. */
function dnsLine({ dnsServers, dns }: NodePlan): string | null {
  const servers = dnsServers?.map(({ text }) => text) ?? dns?.servers ?? [];
  const all = [...servers, ...(dns === undefined ? [] : [dns.domain])];
  return all.length === 0 ? null : `DNS = ${all.join(", ")}`;
}

/**
 * During a rotation, `privateKeys` has a relay's next key. The current one is in `formerPrivateKeys` or only on the host,
 * which still serves it.
 */
function keyOfFirst(node: NodePlan): Interface["key"] {
  if (node.custody !== "config" || node.kind === "peer" || !holdsNextKey(node)) return node.custody;
  return node.formerKey ? "former" : "host";
}

/** Has no addresses and routes: the first interface has the tunnel address, and the host moves routes between the two. */
function secondInterface(node: NodePlan, network: Network): Interface | null {
  const { alternate } = node;
  const mtu = node.mtu ?? network.mtu;
  if (alternate === null) return null;
  return {
    title: `${node.name}, next key`,
    publicKey: alternate.publicKey,
    key: node.custody,
    settings: [
      `ListenPort = ${alternate.listenPort}`,
      mtu === null ? null : `MTU = ${mtu}`,
      "Table = off",
    ],
    sections: alternate.sections,
  };
}

function renderFile(one: Interface, secrets: SecretValues): string {
  const head = lines([
    `# wireguard-mesh: ${one.title}`,
    "[Interface]",
    privateKeyLine(one, secrets),
    ...one.settings,
  ]);
  const sections = one.sections.map((section) => renderSection(one.publicKey, section, secrets));
  return [head, ...sections].join("\n");
}

function privateKeyLine({ key, publicKey }: Interface, secrets: SecretValues): string {
  switch (key) {
    case "config":
    case "former":
      return `PrivateKey = ${secrets.privateKey(key)}`;
    case "host":
      return `PrivateKey = ${ON_THIS_HOST} ${publicKey}`;
    case "device":
      return "# PrivateKey = the key that this device keeps to itself: put it here";
  }
}

function renderSection(own: string, section: PeerSection, secrets: SecretValues): string {
  const { allowedIps, endpoint, persistentKeepalive, expires } = section;
  return lines([
    `# ${section.name}${section.which === "next" ? " (next key)" : ""}`,
    "[Peer]",
    `PublicKey = ${section.publicKey}`,
    section.presharedKey ? `PresharedKey = ${secrets.presharedKey(own, section)}` : null,
    allowedIps.length === 0 ? null : `AllowedIPs = ${allowedIps.join(", ")}`,
    endpoint === null ? null : `Endpoint = ${endpoint}`,
    persistentKeepalive === null ? null : `PersistentKeepalive = ${persistentKeepalive}`,
    expires === undefined ? null : `${EXPIRY_COMMENT}${formatTime(expires)}`,
  ]);
}

/** With the network's prefix length, so that wg-quick routes the whole network into the interface. */
function interfaceAddresses(node: NodePlan, network: Network): string[] {
  const addresses = [`${node.address.text}/${network.cidr.length}`];
  if (node.address6 !== null && network.cidr6 !== null) {
    addresses.push(`${node.address6.text}/${network.cidr6.length}`);
  }
  return addresses;
}

function lines(entries: (string | null)[]): string {
  return entries.filter((entry) => entry !== null).join("\n") + "\n";
}
