/** Random valid networks, for property tests of the plan. */
import fc from "fast-check";
import { Secret } from "../../mesh/secret";
import { hostKeyLine, keyPairs } from "./key-pairs";

/** A node in raw config. */
export type RawNode = Record<string, unknown>;

/** A raw config without errors. */
export interface RawNetwork {
  network: Record<string, unknown>;
  relays: Record<string, RawNode>;
  peers: Record<string, RawNode>;
  privateKeys: Record<string, Secret>;
  presharedKeySeed?: Secret;
  [key: string]: unknown;
}

/** The current time in all tests, in milliseconds since 1970. */
export const TODAY = Date.parse("2026-11-23T12:00:00Z");

/** The `presharedKeySeed` of every generated network that has one. */
export const PRESHARED_KEY_SEED = Buffer.alloc(32, 7).toString("base64");

/** Random choices for one node; its index makes values such as addresses unique. */
interface Choice {
  endpoint: "none" | "ipv4" | "ipv6" | "name" | "host";
  site: string | null;
  siteEndpoint: boolean;
  subnets: ("ipv4" | "ipv6" | "half")[];
  address6: boolean;
  home: number | null;
  enabled: boolean | undefined;
  expires: string | undefined;
  port: number | undefined;
  keepalive: number | undefined;
  mtu: number | undefined;
  tags: string[] | undefined;
  /** Whether its private key is in the config. */
  custody: boolean;
  /** Of a relay: whether its peers have a range of their own. */
  range: boolean;
  /** Of a relay with a host: whether it is an exit. */
  exit: boolean;
  /** Of a device whose relay is an exit: whether all its traffic leaves there. */
  routeAll: "no" | "yes" | "blockIpv6";
  /** Of a gateway with a host. */
  masquerade: boolean;
  host: "none" | "ssh" | "via" | "list";
}

const choice: fc.Arbitrary<Choice> = fc.record({
  endpoint: oftenFirst("none", "ipv4", "ipv6", "name", "host"),
  site: fc.option(fc.constantFrom("office", "home"), { freq: 2 }),
  siteEndpoint: fc.boolean(),
  subnets: fc.oneof(
    { weight: 3, arbitrary: fc.constant<Choice["subnets"]>([]) },
    {
      weight: 2,
      arbitrary: fc.uniqueArray(fc.constantFrom("ipv4", "ipv6", "half"), { maxLength: 3 }),
    },
  ),
  address6: oftenFirst(true, false),
  home: fc.option(fc.nat(2)),
  enabled: oftenFirst(undefined, true, false),
  expires: oftenFirst(undefined, "2026-11-23", "2027-01-01T00:00:00Z", "2026-11-22"),
  port: fc.constantFrom(undefined, 51820, 443),
  keepalive: fc.constantFrom(undefined, 0, 25, 65535),
  mtu: fc.constantFrom(undefined, 1280, 1380),
  tags: fc.constantFrom(undefined, ["guest"], ["admin", "guest"]),
  custody: fc.boolean(),
  range: fc.boolean(),
  exit: fc.boolean(),
  routeAll: fc.constantFrom("no", "yes", "blockIpv6"),
  masquerade: fc.boolean(),
  host: fc.constantFrom("none", "ssh", "via", "list"),
});

interface Draw {
  relays: Choice[];
  peers: Choice[];
  dualStack: boolean;
  topology: string | undefined;
  seed: boolean;
  bytes: number[];
  keepalive: number | undefined;
  mtu: number | undefined;
}

const draws: fc.Arbitrary<Draw> = fc.record({
  relays: fc.array(choice, { maxLength: 3 }),
  peers: fc.array(choice, { maxLength: 12 }),
  dualStack: fc.boolean(),
  topology: fc.constantFrom(undefined, "auto", "star"),
  seed: fc.boolean(),
  bytes: fc.uniqueArray(fc.integer({ min: 1, max: 254 }), { minLength: 15, maxLength: 15 }),
  keepalive: fc.constantFrom(undefined, 0, 20),
  mtu: fc.constantFrom(undefined, 1420),
});

/**
 * Valid networks of 0 to 3 relays and 0 to 12 peers. Their secrets are sealed, because checking private keys takes longer
 * than everything else.
 */
export const networks: fc.Arbitrary<RawNetwork> = draws.map((draw) =>
  networkOf(draw, () => Secret.sealed()),
);

/** The same networks with secrets that can be read. */
export const openNetworks: fc.Arbitrary<RawNetwork> = draws.map((draw) =>
  networkOf(draw, (secret) => Secret.of(secret)),
);

function networkOf(draw: Draw, seal: (secret: string) => Secret): RawNetwork {
  const hub = draw.relays.length > 0;
  const hubs = draw.relays.map(asRelay);
  const homes = hubs.flatMap((drawn, at) => (isActive(drawn) ? [`relay${at}`] : []));
  const relays = hubs.map((drawn, at) => nodeOf(drawn, at, draw, homes, "relay"));
  const peers = draw.peers.map((drawn, at) =>
    nodeOf(hub || at === 0 ? drawn : { ...drawn, endpoint: "ipv4" }, at + 3, draw, homes, "peer"),
  );
  for (const peer of peers) sendAllThroughExit(peer, relays);
  const nodes = [...relays, ...peers];
  return {
    network: defined({
      cidr: "10.86.0.0/24",
      cidr6: draw.dualStack ? "fd5c:10::/64" : undefined,
      topology: hub ? draw.topology : undefined,
      persistentKeepalive: draw.keepalive,
      mtu: draw.mtu,
    }),
    relays: Object.fromEntries(relays.map(({ name, node }) => [name, node])),
    peers: Object.fromEntries(peers.map(({ name, node }) => [name, node])),
    privateKeys: Object.fromEntries(
      nodes
        .filter((entry) => entry.custody)
        .map(({ name, at }) => [name, seal(keyAt(at).privateKey)]),
    ),
    ...(draw.seed ? { presharedKeySeed: seal(PRESHARED_KEY_SEED) } : {}),
  };
}

/** Sets `routeAll` where it is valid. */
function sendAllThroughExit({ node, routeAll }: Drawn, relays: Drawn[]): void {
  const active = relays.filter(({ active }) => active);
  const byAddress = active.sort((a, b) => a.byte - b.byte);
  const home = active.find(({ name }) => name === node["relay"]) ?? byAddress[0];
  if (routeAll === "no" || home?.node["exit"] !== true) return;
  node["routeAll"] = true;
  if (routeAll === "blockIpv6" && node["address6"] === undefined) node["blockIpv6"] = true;
}

function isActive(drawn: Choice): boolean {
  return drawn.enabled !== false && drawn.expires !== "2026-11-22";
}

/** Makes a relay valid: it can be dialled, and the first one is active and has an SSH address. */
function asRelay(drawn: Choice, at: number): Choice {
  const endpoint = drawn.endpoint === "none" ? "host" : drawn.endpoint;
  const first = at === 0 ? { enabled: true, expires: undefined, host: "ssh" as const } : {};
  return { ...drawn, endpoint, ...first };
}

/** A node with what other nodes depend on. */
interface Drawn {
  name: string;
  node: RawNode;
  at: number;
  /** The last byte of its address. */
  byte: number;
  custody: boolean;
  active: boolean;
  routeAll: Choice["routeAll"];
}

function nodeOf(
  drawn: Choice,
  at: number,
  draw: Draw,
  homes: string[],
  kind: "relay" | "peer",
): Drawn {
  const name = kind === "relay" ? `relay${at}` : `peer${at - 3}`;
  const byte = draw.bytes[at] ?? 0;
  const host = hostOf(drawn, at, homes[0], kind);
  const subnets = subnetsOf(drawn, at, draw.dualStack);
  const reachable = drawn.endpoint !== "none" && drawn.endpoint !== "host";
  const node = defined({
    address: `10.86.0.${byte}`,
    address6: draw.dualStack && drawn.address6 ? `fd5c:10::${byte.toString(16)}` : undefined,
    publicKey: keyAt(at).publicKey,
    host,
    hostKey: host === undefined ? undefined : hostKeyLine(at),
    endpoint: reachable ? outerOf(drawn.endpoint, at, drawn.port) : undefined,
    listenPort: drawn.port,
    site: drawn.site ?? undefined,
    siteEndpoint:
      drawn.site !== null && drawn.siteEndpoint
        ? `172.31.0.${at + 1}:${drawn.port ?? 51820}`
        : undefined,
    subnets,
    masquerade: drawn.masquerade && subnets !== undefined && host !== undefined ? true : undefined,
    exit: kind === "relay" && drawn.exit && host !== undefined ? true : undefined,
    persistentKeepalive: drawn.keepalive,
    mtu: drawn.mtu,
    tags: drawn.tags,
    ...(kind === "relay" && drawn.range ? rangesOf(at, draw.dualStack) : {}),
    relay: kind === "peer" && drawn.home !== null ? homes[drawn.home % homes.length] : undefined,
    enabled: drawn.enabled,
    expires: drawn.expires,
  });
  const custody = drawn.custody || host !== undefined;
  return { name, node, at, byte, custody, active: isActive(drawn), routeAll: drawn.routeAll };
}

/** A quarter of the network for each relay, so that addresses of all nodes are in any of them or in none. */
function rangesOf(at: number, dualStack: boolean) {
  const first = 64 * (at + 1);
  const peersCidr6 = dualStack ? `fd5c:10::${first.toString(16)}/122` : undefined;
  return { peersCidr: `10.86.0.${first}/26`, peersCidr6 };
}

function hostOf(drawn: Choice, at: number, relay: string | undefined, kind: string) {
  const direct = `root@198.51.100.${at + 1}`;
  if (kind === "relay")
    return drawn.endpoint === "host" || drawn.host !== "none" ? direct : undefined;
  if (drawn.host === "none" || (drawn.host === "via" && relay === undefined)) return undefined;
  const through = `admin@via:${relay ?? ""}`;
  if (drawn.host === "via") return through;
  return drawn.host === "list" && relay !== undefined ? [direct, through] : direct;
}

function outerOf(endpoint: Choice["endpoint"], at: number, port = 51820): string {
  if (endpoint === "ipv6") return `[2001:db8::${(at + 1).toString(16)}]:${port}`;
  return endpoint === "name" ? `node${at}.example.org:${port}` : `203.0.113.${at + 1}:${port}`;
}

function subnetsOf(drawn: Choice, at: number, dualStack: boolean): string[] | undefined {
  const wanted = drawn.subnets.filter(
    (subnet) => subnet !== "ipv6" || (dualStack && drawn.address6),
  );
  const written = {
    ipv4: `192.168.${at}.0/24`,
    ipv6: `fd00:${at + 1}::/64`,
    half: `172.16.${at}.128/25`,
  };
  return wanted.length === 0 ? undefined : wanted.map((subnet) => written[subnet]);
}

function keyAt(at: number) {
  const pair = keyPairs[at];
  if (pair === undefined) throw new Error("more nodes than key pairs");
  return pair;
}

/** One of these; the first more than half of the time. */
function oftenFirst<const T>(first: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof(fc.constant(first), fc.constantFrom(first, ...others));
}

function defined(entries: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}
