/** The text of a node's wg-quick(8) files: the one place where secrets meet the plan. */
import { presharedKeyOf } from "../keys";
import type { Network } from "../config/config";
import type { PeerSection } from "../plan/peer-section";
import type { NodePlan } from "../plan/plan";
import { interfaceKey, movesToNext } from "../plan/rotation";
import { ON_THIS_HOST } from "../push-request";
import { HIDDEN, Secret } from "../secret";

/** The secrets of the stack, as far as they are set. */
export interface Keyring {
  privateKeys: ReadonlyMap<string, Secret>;
  /** Of relays between two keys: what belongs to the one that still is current. */
  formerPrivateKeys: ReadonlyMap<string, Secret>;
  presharedKeySeed: Secret | null;
  /** Null: the user's own SSH agent and keys. */
  sshPrivateKey: Secret | null;
  /** What the stack's SSH authority comes from; there where a relay is an EC2 instance. */
  sshAuthoritySeed: Secret | null;
}

/** What a review shows: the very lines of the file, each secret as `(hidden)`. */
export function renderRedacted(node: NodePlan, network: Network): string {
  return renderFile(firstInterface(node, network), REDACTED);
}

/** The file with its secrets, ready for the host. Throws where the keyring lacks a key that the plan counts on. */
export function renderConfig(node: NodePlan, network: Network, keyring: Keyring): Secret {
  return Secret.of(renderFile(firstInterface(node, network), gapsOf(node, keyring)));
}

/** A relay's second interface for a review; null where it has none. */
export function renderRedactedAlternate(node: NodePlan, network: Network): string | null {
  const second = secondInterface(node, network);
  return second === null ? null : renderFile(second, REDACTED);
}

/** The same with its secrets. */
export function renderAlternate(node: NodePlan, network: Network, keyring: Keyring): Secret | null {
  const second = secondInterface(node, network);
  return second === null ? null : Secret.of(renderFile(second, gapsOf(node, keyring)));
}

/** One WireGuard interface, before its secrets. */
interface Interface {
  title: string;
  publicKey: string;
  /** Whose hands the private key is in. */
  key: "config" | "former" | "host" | "device";
  /** Lines of the [Interface] section after its key. */
  settings: (string | null)[];
  sections: PeerSection[];
}

/** The values that stand in the gaps of a file. */
interface Gaps {
  privateKey: (from: "config" | "former") => string;
  presharedKey: (own: string, section: PeerSection) => string;
}

const REDACTED: Gaps = { privateKey: () => HIDDEN, presharedKey: () => HIDDEN };

function gapsOf(node: NodePlan, keyring: Keyring): Gaps {
  const { presharedKeySeed, privateKeys, formerPrivateKeys } = keyring;
  return {
    privateKey: (from) => {
      const key = (from === "former" ? formerPrivateKeys : privateKeys).get(node.name);
      if (key === undefined) throw new Error(`no private key of ${node.name}`);
      return key.reveal();
    },
    presharedKey: (own, section) => {
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
    ],
    sections: node.sections,
  };
}

/**
 * A relay between two keys has the next one in `privateKeys`. The current one may have been kept; else its host, which
 * has been serving it, has got it still.
 */
function keyOfFirst(node: NodePlan): Interface["key"] {
  if (node.custody !== "config" || node.kind === "peer" || !movesToNext(node)) return node.custody;
  return node.formerKey ? "former" : "host";
}

/** Without addresses and routes: the tunnel address is the first interface's, and who is behind which is for the host to say. */
function secondInterface(node: NodePlan, network: Network): Interface | null {
  const { alternate } = node;
  const mtu = node.mtu ?? network.mtu;
  if (alternate === null) return null;
  return {
    title: `${node.name}, ${movesToNext(node) ? "next key" : "also on its rotation port"}`,
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

function renderFile(one: Interface, gaps: Gaps): string {
  const head = lines([
    `# wireguard-mesh: ${one.title}`,
    "[Interface]",
    privateKeyLine(one, gaps),
    ...one.settings,
  ]);
  const sections = one.sections.map((section) => renderSection(one.publicKey, section, gaps));
  return [head, ...sections].join("\n");
}

function privateKeyLine({ key, publicKey }: Interface, gaps: Gaps): string {
  switch (key) {
    case "config":
    case "former":
      return `PrivateKey = ${gaps.privateKey(key)}`;
    case "host":
      return `PrivateKey = ${ON_THIS_HOST} ${publicKey}`;
    case "device":
      return "# PrivateKey = the key that this device keeps to itself: put it here";
  }
}

function renderSection(own: string, section: PeerSection, gaps: Gaps): string {
  const { allowedIps, endpoint, persistentKeepalive } = section;
  return lines([
    `# ${section.name}${section.which === "next" ? " (next key)" : ""}`,
    "[Peer]",
    `PublicKey = ${section.publicKey}`,
    section.presharedKey ? `PresharedKey = ${gaps.presharedKey(own, section)}` : null,
    allowedIps.length === 0 ? null : `AllowedIPs = ${allowedIps.join(", ")}`,
    endpoint === null ? null : `Endpoint = ${endpoint}`,
    persistentKeepalive === null ? null : `PersistentKeepalive = ${persistentKeepalive}`,
  ]);
}

/** With the network's length, so that wg-quick routes the whole network into the interface. */
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
