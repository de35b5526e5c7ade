/** The differences between two redacted wg-quick(8) files, one line each. */
import { shortList } from "./short-list";

/** A file as its settings and its peer sections, by neighbour. */
export interface ConfigText {
  settings: Settings;
  peers: ReadonlyMap<string, Settings>;
}

type Settings = ReadonlyMap<string, string>;

/** Parses the text of renderRedacted, in which a comment before each peer section names the neighbour. */
export function parseConfig(text: string): ConfigText {
  const [head = "", ...sections] = text.split(/^# (?=[^\n]*\n\[Peer\]$)/m);
  const peers = sections.map((section): [string, Settings] => {
    const [name = ""] = section.split("\n", 1);
    return [name, settingsIn(section)];
  });
  return { settings: settingsIn(head), peers: new Map(peers) };
}

function settingsIn(text: string): Settings {
  const lines = text.matchAll(/^(?:# (?=Expires ))?(\w+) = (.*)$/gm);
  return new Map([...lines].map(([, key = "", value = ""]) => [key, value]));
}

const NEXT_KEY = " (next key)";

/** `+ peer p33`, `- peer p33`, `~ peer tokyo: endpoint 203.0.113.10:51820 -> 203.0.113.11:51820`, ... */
export function configChanges(before: ConfigText, after: ConfigText): string[] {
  const switched = peersWithSwitchedKey(before, after);
  const names = switched.map(({ name }) => name);
  const isOther = (title: string) => !names.includes(neighbourIn(title));
  const added = [...after.peers.keys()].filter((name) => !before.peers.has(name) && isOther(name));
  const removed = [...before.peers.keys()].filter(
    (name) => !after.peers.has(name) && isOther(name),
  );
  const changed = [...after.peers].flatMap(([name, settings]) => {
    const changes = settingChanges(before.peers.get(name) ?? settings, settings);
    return changes.length === 0 ? [] : [`~ peer ${name}: ${changes.join(", ")}`];
  });
  return [
    ...settingChanges(before.settings, after.settings).map((change) => `~ ${change}`),
    ...(added.length === 0 ? [] : [`+ ${peerList(added)}`]),
    ...(removed.length === 0 ? [] : [`- ${peerList(removed)}`]),
    ...changed,
    ...switched.map(({ name, lines }) => `~ peer ${name}: ${lines.join(", ")}`),
  ];
}

/** Neighbours whose only section changes to a relay's next key, or back. */
function peersWithSwitchedKey(
  before: ConfigText,
  after: ConfigText,
): { name: string; lines: string[] }[] {
  return [...after.peers].flatMap(([title, settings]) => {
    const name = neighbourIn(title);
    const former = title === name ? name + NEXT_KEY : name;
    const was = before.peers.get(former);
    if (was === undefined || before.peers.has(title) || after.peers.has(former)) return [];
    const [, ...others] = settingChanges(was, settings);
    const isKept = was.get("PublicKey") === settings.get("PublicKey");
    const isCurrent = title === name;
    if (isKept) {
      const moved = isCurrent
        ? "its next key is now its current key"
        : "its current key is now its next key";
      return [{ name, lines: [moved, ...settingChanges(was, settings)] }];
    }
    const used = isCurrent ? "uses its current key instead of its next key" : "uses its next key";
    return [{ name, lines: [used, ...others] }];
  });
}

/** Whether a file has the next key of a neighbour. */
export function hasNextKey({ peers }: ConfigText, neighbour: string): boolean {
  return peers.has(neighbour + NEXT_KEY);
}

/** Public keys by neighbour; during a rotation a neighbour has two. */
export function keysByNeighbour({ peers }: ConfigText): Map<string, string[]> {
  const keys = new Map<string, string[]>();
  for (const [title, settings] of peers) {
    const name = neighbourIn(title);
    keys.set(name, [...(keys.get(name) ?? []), settings.get("PublicKey") ?? ""]);
  }
  return keys;
}

/** The name in the comment before a peer section. */
export function neighbourIn(title: string): string {
  return title.endsWith(NEXT_KEY) ? title.slice(0, -NEXT_KEY.length) : title;
}

function peerList(names: string[]): string {
  return names.length === 1 ? `peer ${names.join()}` : `${names.length} peers: ${shortList(names)}`;
}

const SETTING_NAMES: Readonly<Record<string, string>> = {
  Address: "address",
  ListenPort: "listen port",
  MTU: "MTU",
  DNS: "DNS",
  Table: "routing table",
  PublicKey: "key",
  AllowedIPs: "allowed IPs",
  Endpoint: "endpoint",
  PersistentKeepalive: "persistent keepalive",
  PresharedKey: "preshared key",
  PrivateKey: "private key or its custody",
  Expires: "expiry",
};

function settingChanges(before: Settings, after: Settings): string[] {
  const keys = [...new Set([...before.keys(), ...after.keys()])];
  return keys.flatMap((key) => {
    const [was, is] = [before.get(key), after.get(key)];
    return was === is ? [] : [settingChange(key, was, is)];
  });
}

function settingChange(key: string, was: string | undefined, is: string | undefined): string {
  const name = SETTING_NAMES[key] ?? key;
  if (key === "AllowedIPs") return prefixChange(listOf(was), listOf(is));
  // Secret or too long for a line; `plan NODE` prints the whole file.
  if (key === "PrivateKey") return `${name} changes`;
  if (key === "PublicKey") return "new key";
  if (key === "PresharedKey") return was === undefined ? `gets a ${name}` : `loses its ${name}`;
  return `${name} ${was ?? "none"} -> ${is ?? "none"}`;
}

function prefixChange(was: string[], is: string[]): string {
  const added = is.filter((prefix) => !was.includes(prefix)).map((prefix) => `+${prefix}`);
  const removed = was.filter((prefix) => !is.includes(prefix)).map((prefix) => `-${prefix}`);
  return `allowed IPs ${[...added, ...removed].join(" ")}`;
}

function listOf(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(", ");
}
