/** The text of a node's wg-quick(8) file: the one place where secrets meet the plan. */
import { presharedKeyOf } from "../keys";
import type { Network } from "../config/config";
import type { NodePlan, PeerSection } from "../plan/plan";
import { HIDDEN, Secret } from "../secret";

/** The secrets of the stack, as far as they are set. */
export interface Keyring {
  privateKeys: ReadonlyMap<string, Secret>;
  presharedKeySeed: Secret | null;
  /** Null: the user's own SSH agent and keys. */
  sshPrivateKey: Secret | null;
  /** What the stack's SSH authority comes from; there where a relay is an EC2 instance. */
  sshAuthoritySeed: Secret | null;
}

/** What a review shows: the very lines of the file, each secret as `(hidden)`. */
export function renderRedacted(node: NodePlan, network: Network): string {
  return renderFile(node, network, { privateKey: HIDDEN, presharedKey: () => HIDDEN });
}

/** The file with its secrets, ready for the host. Throws where the keyring lacks a key that the plan counts on. */
export function renderConfig(node: NodePlan, network: Network, keyring: Keyring): Secret {
  const { presharedKeySeed } = keyring;
  const privateKey = keyring.privateKeys.get(node.name);
  if (node.custody === "config" && privateKey === undefined)
    throw new Error(`no private key of ${node.name}`);
  const text = renderFile(node, network, {
    privateKey: privateKey?.reveal() ?? "",
    presharedKey: (section) => {
      if (presharedKeySeed === null) throw new Error("no seed for preshared keys");
      return presharedKeyOf(presharedKeySeed, node.publicKey, section.publicKey).reveal();
    },
  });
  return Secret.of(text);
}

/** The values that stand in the gaps of a file. */
interface Gaps {
  privateKey: string;
  presharedKey: (section: PeerSection) => string;
}

function renderFile(node: NodePlan, network: Network, gaps: Gaps): string {
  const sections = node.sections.map((section) => renderSection(section, gaps));
  return [renderInterface(node, network, gaps), ...sections].join("\n");
}

function renderInterface(node: NodePlan, network: Network, gaps: Gaps): string {
  const mtu = node.mtu ?? network.mtu;
  return lines([
    `# wireguard-mesh: ${node.name}`,
    "[Interface]",
    node.custody === "config"
      ? `PrivateKey = ${gaps.privateKey}`
      : "# PrivateKey = the key that this device keeps to itself: put it here",
    `Address = ${interfaceAddresses(node, network).join(", ")}`,
    node.listenPort === null ? null : `ListenPort = ${node.listenPort}`,
    mtu === null ? null : `MTU = ${mtu}`,
  ]);
}

function renderSection(section: PeerSection, gaps: Gaps): string {
  return lines([
    `# ${section.name}`,
    "[Peer]",
    `PublicKey = ${section.publicKey}`,
    section.presharedKey ? `PresharedKey = ${gaps.presharedKey(section)}` : null,
    `AllowedIPs = ${section.allowedIps.join(", ")}`,
    section.endpoint === null ? null : `Endpoint = ${section.endpoint}`,
    section.persistentKeepalive === null
      ? null
      : `PersistentKeepalive = ${section.persistentKeepalive}`,
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
