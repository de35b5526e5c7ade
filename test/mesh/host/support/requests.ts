/** Push requests for the model: small networks around one host, as data and as wg-quick text. */
import fc from "fast-check";
import { formatTime } from "../../../../mesh/config/activity";
import type { NodeNames, PushRequest } from "../../../../mesh/push-request";
import { keyPairs } from "../../../support/key-pairs";
import { NOW } from "./host";
import { IFACE, SECOND } from "./observe";

/** One neighbour. Its number decides keys and addresses. */
export interface NeighbourDraw {
  at: number;
  lans: number[];
  endpoint: string | null;
  keepalive: number;
  /** Number of the preshared key. */
  presharedKey: number | null;
  /** `next`: the second of its two keys only; `both`: a rotation in progress. */
  keys: "current" | "next" | "both";
  mustShake: boolean;
  /** Seconds after NOW, the start of the model's time; null: never. */
  expires: number | null;
}

export interface RequestDraw {
  ownKey: number;
  /** The private key is only on the host. */
  onHost: boolean;
  address: string;
  ipv6: boolean;
  port: number | null;
  mtu: number | null;
  neighbours: NeighbourDraw[];
  forwarding: { ipv4: boolean; ipv6: boolean };
  instance: string | null;
  second: { key: number; port: number } | null;
  /** Number of the packet filter. */
  filter: number | null;
  /** Numbers of the nodes that have names; null: without a domain. */
  names: number[] | null;
  /** Whether it has a DNS server for them. */
  serves: boolean;
  followNames: boolean;
  /** The host, and the neighbours that it dials, are relays. */
  besideRelays: boolean;
  /** Everything goes to the first neighbour; whether the exit is checked. */
  sendsAll: "proven" | "unproven" | null;
}

export const ENDPOINTS = ["198.51.100.1:51820", "198.51.100.2:51820", "[2001:db8::7]:51820"];
export const NAMES = ["far.example.org:51820", "near.example.org:51820"];

const neighbour: fc.Arbitrary<NeighbourDraw> = fc.record({
  at: fc.nat(5),
  lans: fc.subarray([0, 1, 2], { maxLength: 2 }),
  endpoint: fc.constantFrom(null, ...ENDPOINTS, ...NAMES),
  keepalive: fc.constantFrom(0, 5, 25),
  presharedKey: fc.constantFrom(null, 0, 1),
  keys: fc.constantFrom("current", "current", "next", "both"),
  mustShake: fc.boolean(),
  expires: fc.constantFrom(null, null, null, -3600, 20, 200, 86_400),
});

export const requestDraws: fc.Arbitrary<RequestDraw> = fc
  .record({
    ownKey: fc.constantFrom(20, 20, 20, 21),
    onHost: fc.boolean(),
    address: fc.constantFrom("10.86.0.1/24", "10.86.0.1/24", "10.86.0.9/24", "10.87.0.1/24"),
    ipv6: fc.boolean(),
    port: fc.constantFrom(null, 51820, 51820, 51821),
    mtu: fc.constantFrom(null, 1380, 1400),
    neighbours: fc.uniqueArray(neighbour, { selector: ({ at }) => at, maxLength: 5 }),
    forwarding: fc.record({ ipv4: fc.boolean(), ipv6: fc.boolean() }),
    instance: fc.constantFrom(null, "i-1", "i-2"),
    filter: fc.constantFrom(null, null, 0, 1, 2),
    second: fc.oneof(
      { weight: 2, arbitrary: fc.constant(null) },
      fc.record({ key: fc.constantFrom(21, 22), port: fc.constantFrom(51821, 51822) }),
    ),
    names: fc.option(fc.subarray([0, 1, 2, 3]), { freq: 2 }),
    serves: fc.boolean(),
    followNames: fc.boolean(),
    besideRelays: fc.boolean(),
    sendsAll: fc.constantFrom(null, null, null, "proven", "unproven"),
  })
  .map(withDistinctPorts);

/** A request that differs from another one in some parts only. */
export function editsOf(former: RequestDraw): fc.Arbitrary<RequestDraw> {
  const parts = Object.keys(former) as (keyof RequestDraw)[];
  return fc.tuple(requestDraws, fc.subarray(parts, { maxLength: 3 })).map(([other, changed]) => {
    const picked = changed.map((part) => [part, other[part]] as const);
    return withDistinctPorts({ ...former, ...Object.fromEntries(picked) });
  });
}

/** Only a relay has a second interface, and a relay has a port and does not send everything elsewhere. Two interfaces never have the same port or key. */
function withDistinctPorts(draw: RequestDraw): RequestDraw {
  const { second } = draw;
  if (second === null) return draw;
  const port = draw.port ?? 51820;
  return {
    ...draw,
    port,
    sendsAll: null,
    second: {
      key: second.key === draw.ownKey ? 22 : second.key,
      port: second.port === port ? 51823 : second.port,
    },
  };
}

export const LANS = ["192.168.10.0/24", "192.168.20.0/24", "192.168.30.0/24"];

function dialledKeys({ neighbours }: RequestDraw): string[] {
  return neighbours.flatMap(({ at, endpoint, keys }) =>
    endpoint === null ? [] : [keys === "next" ? nextKey(at) : currentKey(at)],
  );
}

export function requestOf(draw: RequestDraw): PushRequest {
  const { second, instance } = draw;
  const [first] = draw.neighbours;
  const pairs = draw.neighbours.filter(({ keys }) => keys === "both");
  const shaking = draw.neighbours.filter((it) => it.mustShake && it.endpoint !== null);
  const rotating = second !== null || pairs.length + shaking.length > 0;
  return {
    version: 1,
    node: "host",
    targets: [{ kind: "local" }],
    sshPrivateKey: null,
    owner: "wireguard-mesh/test",
    machine: "machine",
    interface: IFACE,
    config: configOf(draw),
    forwarding: { ipv4: draw.forwarding.ipv4, ipv6: draw.ipv6 && draw.forwarding.ipv6 },
    probes: draw.neighbours
      .filter(({ endpoint }) => endpoint !== null)
      .map(({ at }) => `10.86.0.${at + 20}`),
    instances:
      instance === null || first === undefined ? [] : [`${instance}:${currentKey(first.at)}`],
    ...(draw.names === null ? {} : { names: namesOf(draw.names, draw.serves) }),
    ...(draw.sendsAll === "proven" && first !== undefined ? { mustAnswer: ["198.51.100.99"] } : {}),
    ...(draw.besideRelays ? { fixedPorts: dialledKeys(draw), besideRelays: true as const } : {}),
    ...(draw.followNames ? { followNames: true as const } : {}),
    identity: null,
    rotation: rotating
      ? {
          pairs: pairs.map((it) => ({
            current: currentKey(it.at),
            next: nextKey(it.at),
            allowedIps: prefixesOf(it, draw),
          })),
          alternate:
            second === null ? null : { interface: SECOND, config: secondConfig(draw, second) },
          mustShake: shaking.map(({ at, keys }) =>
            keys === "next" ? nextKey(at) : currentKey(at),
          ),
        }
      : null,
    ...(draw.filter === null ? {} : { filter: filterAt(draw.filter) }),
  };
}

/** A packet filter as the text of its nft table. */
export function filterAt(at: number): string {
  const rules = [
    "ct state established,related accept",
    `ip saddr { 10.86.0.${at + 20}, 10.86.0.${at + 22} } tcp dport { 443, 8080 } accept`,
    'iifname "wg0" drop',
  ];
  const chain = ["type filter hook forward priority filter; policy accept;", ...rules];
  return [
    ...["table inet wireguard-mesh-wg0 {", "\tchain forward {"],
    ...[...chain.map((line) => `\t\t${line}`), "\t}", "}"],
  ]
    .map((line) => `${line}\n`)
    .join("");
}

function namesOf(numbers: readonly number[], serves: boolean): NodeNames {
  const nodes = numbers.map((at) => `node${at} 10.86.0.${at + 20} fd5c:10::${at + 20}`);
  return { domain: "mesh.internal", nodes: ["host 10.86.0.1", ...nodes], serves };
}

export function currentKey(at: number): string {
  return pairAt(at).publicKey;
}

export function nextKey(at: number): string {
  return pairAt(at + 6).publicKey;
}

export function pairAt(at: number) {
  const pair = keyPairs[at];
  if (pair === undefined) throw new Error("more keys than pairs");
  return pair;
}

function configOf(draw: RequestDraw): string {
  const { address, ipv6, port, mtu } = draw;
  const own = pairAt(draw.ownKey);
  const head = [
    "# wireguard-mesh: host",
    "[Interface]",
    `PrivateKey = ${draw.onHost ? `(on this host) ${own.publicKey}` : own.privateKey}`,
    `Address = ${address}${ipv6 ? ", fd5c:10::1/64" : ""}`,
    ...(port === null ? [] : [`ListenPort = ${port}`]),
    ...(mtu === null ? [] : [`MTU = ${mtu}`]),
    ...(draw.sendsAll === null ? [] : ["FwMark = 0xca6c", "Table = 51820"]),
  ];
  return [...head, ...sections(draw)].map((line) => `${line}\n`).join("");
}

function secondConfig(draw: RequestDraw, { key, port }: { key: number; port: number }): string {
  const head = [
    "# wireguard-mesh: host, next key",
    "[Interface]",
    `PrivateKey = ${pairAt(key).privateKey}`,
    `ListenPort = ${port}`,
    ...(draw.mtu === null ? [] : [`MTU = ${draw.mtu}`]),
    "Table = off",
  ];
  return [...head, ...sections(draw)].map((line) => `${line}\n`).join("");
}

function sections(draw: RequestDraw): string[] {
  return draw.neighbours.flatMap((it) => {
    const section = (name: string, key: string, routed: boolean, dialled: boolean) => [
      "",
      `# ${name}`,
      "[Peer]",
      `PublicKey = ${key}`,
      ...(it.presharedKey === null ? [] : [`PresharedKey = ${presharedKeyAt(it.presharedKey)}`]),
      ...(routed ? [`AllowedIPs = ${prefixesOf(it, draw).join(", ")}`] : []),
      ...(it.endpoint === null || !dialled ? [] : [`Endpoint = ${it.endpoint}`]),
      ...(it.keepalive === 0 ? [] : [`PersistentKeepalive = ${it.keepalive}`]),
      ...(it.expires === null ? [] : [`# Expires = ${timeAt(it.expires)}`]),
    ];
    const name = `peer${it.at}`;
    return [
      ...(it.keys === "next" ? [] : section(name, currentKey(it.at), true, true)),
      ...(it.keys === "both" ? section(`${name} (next key)`, nextKey(it.at), false, false) : []),
      ...(it.keys === "next" ? section(name, nextKey(it.at), true, true) : []),
    ];
  });
}

function timeAt(seconds: number): string {
  return formatTime(NOW + seconds);
}

/** A LAN is behind the first neighbour that has it. */
function prefixesOf(it: NeighbourDraw, draw: RequestDraw): string[] {
  if (draw.sendsAll !== null && it === draw.neighbours[0])
    return draw.ipv6 ? ["0.0.0.0/0", "::/0"] : ["0.0.0.0/0"];
  const owner = (lan: number) => draw.neighbours.find(({ lans }) => lans.includes(lan));
  return [
    `10.86.0.${it.at + 20}/32`,
    ...(draw.ipv6 ? [`fd5c:10::${it.at + 20}/128`] : []),
    ...it.lans.filter((lan) => owner(lan) === it).map((lan) => LANS[lan] ?? ""),
  ];
}

export function presharedKeyAt(at: number): string {
  return Buffer.alloc(32, 0x51 + at).toString("base64");
}
