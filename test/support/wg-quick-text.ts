/** A small parser of wg-quick(8) files for tests, independent of the code that renders them. */

export interface WgQuickText {
  /** Addresses of the interface with their prefix lengths. */
  addresses: string[];
  listenPort: number | null;
  mtu: number | null;
  privateKey: string | null;
  peers: WgPeer[];
}

export interface WgPeer {
  publicKey: string;
  presharedKey: string | null;
  allowedIps: string[];
  /** `host:port` */
  endpoint: string | null;
  persistentKeepalive: number | null;
}

/** Throws on a line that wg-quick would reject. */
export function readWgQuick(text: string): WgQuickText {
  const [head = "", ...sections] = text.split("[Peer]\n");
  const settings = linesOf(head.replace("[Interface]\n", ""));
  const known = "Address ListenPort MTU DNS PrivateKey FwMark Table PostUp".split(" ");
  const unknown = [...settings.keys()].filter((key) => !known.includes(key));
  if (unknown.length > 0) throw new Error(`unknown keys in [Interface]: ${unknown.join(", ")}`);
  return {
    addresses: listOf(settings.get("Address")),
    listenPort: numberOf(settings.get("ListenPort")),
    mtu: numberOf(settings.get("MTU")),
    privateKey: settings.get("PrivateKey") ?? null,
    peers: sections.map(peerOf),
  };
}

function peerOf(section: string): WgPeer {
  const settings = linesOf(section);
  const publicKey = settings.get("PublicKey");
  if (publicKey === undefined) throw new Error("a [Peer] without PublicKey");
  return {
    publicKey,
    presharedKey: settings.get("PresharedKey") ?? null,
    allowedIps: listOf(settings.get("AllowedIPs")),
    endpoint: settings.get("Endpoint") ?? null,
    persistentKeepalive: numberOf(settings.get("PersistentKeepalive")),
  };
}

function linesOf(section: string): Map<string, string> {
  const lines = section.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const [, key, value] = /^(\w+) = (.+)$/.exec(line) ?? [];
      if (key === undefined || value === undefined) throw new Error(`not a setting: ${line}`);
      return [key, value];
    }),
  );
}

function listOf(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(", ");
}

function numberOf(value: string | undefined): number | null {
  return value === undefined ? null : Number(value);
}
