/** Example networks of 3, 12 and 60 nodes, each with a change of it. */
import type { RawConfig } from "../../mesh/config/read-draft";
import { Secret } from "../../mesh/secret";

export interface Example {
  config: RawConfig;
  /** What an edit makes of it. */
  changed: RawConfig;
  /** The node that is down in one of the pictures. */
  down: string;
}

const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINbpIqqxCK6JlqBSHtKbTxD3SFUN1pscA4mVUTg2oEKE";

type Nodes = Record<string, Record<string, unknown>>;

export const EXAMPLES: Readonly<Record<string, Example>> = {
  "3-nodes": three(),
  "12-nodes": twelve(),
  "60-nodes": sixty(),
};

function three(): Example {
  const relays = { tokyo: { host: "admin@203.0.113.10" } };
  const peers: Nodes = {
    desktop: { host: "taro@192.168.1.20", site: "home" },
    laptop: { host: "local" },
  };
  const changed = { ...peers, phone: {} };
  return {
    config: network(relays, peers),
    changed: network(relays, changed, peers),
    down: "desktop",
  };
}

function twelve(): Example {
  const relays = { tokyo: { host: "admin@203.0.113.10", exit: true } };
  const peers: Nodes = {
    build: { host: "root@10.20.0.6", site: "office" },
    desktop: { host: "taro@192.168.1.20", site: "home" },
    gate: { host: "root@10.20.0.1", site: "office", subnets: ["10.20.0.0/24"] },
    guest: { tags: ["guest"] },
    laptop: { host: "local" },
    nas: { host: "admin@192.168.1.30", site: "home", subnets: ["192.168.1.0/24"] },
    phone: { routeAll: true },
    server: { host: "root@10.20.0.5", site: "office", siteEndpoint: "10.20.0.5:51820" },
    shed: { host: "root@via:tokyo" },
    tablet: { routeAll: true },
    vps: { host: "root@198.51.100.9", endpoint: "198.51.100.9:51820" },
  };
  const policy = [
    { from: ["tag:guest"], to: ["nas"], ports: ["tcp/443"] },
    { from: ["desktop", "laptop", "phone", "tablet", "nas", "shed"], to: ["*"] },
    { from: ["build", "gate", "server", "vps"], to: ["server", "vps"] },
  ];
  const changed = {
    ...without(peers, "shed"),
    camera: { host: "root@192.168.1.40", site: "home" },
  };
  const rules = [
    { ...policy[0], ports: ["tcp/443", "tcp/8443"] },
    { ...policy[1], from: ["desktop", "laptop", "phone", "tablet", "nas"] },
    policy[2],
  ];
  return {
    config: { ...network(relays, peers), policy },
    changed: { ...network(relays, changed, peers), policy: rules },
    down: "nas",
  };
}

/** Three relays, eight shops with a till and a display each, servers, and people with a laptop and a phone. */
function sixty(): Example {
  const relays = {
    frankfurt: { host: "admin@198.51.100.20" },
    osaka: { host: "admin@203.0.113.20" },
    tokyo: { host: "admin@203.0.113.10", exit: true },
  };
  const shops = numbered("shop", 8).flatMap((site, at): [string, Nodes[string]][] => {
    const relay = at < 4 ? "osaka" : "frankfurt";
    const lan = `10.30.${at + 1}`;
    return [
      [`${site}-display`, { host: `root@${lan}.3`, site, relay }],
      [`${site}-gate`, { host: `root@${lan}.1`, site, relay, subnets: [`${lan}.0/24`] }],
    ];
  });
  const people = numbered("laptop", 18).map((name, at): [string, Nodes[string]] => [
    name,
    { host: `root@via:tokyo`, relay: at < 12 ? "tokyo" : "frankfurt" },
  ]);
  const phones = numbered("phone", 17).map((name, at): [string, Nodes[string]] => [
    name,
    { relay: "tokyo", ...(at < 3 ? { routeAll: true } : {}) },
  ]);
  const servers = numbered("server", 6).map((name, at): [string, Nodes[string]] => [
    name,
    {
      host: `root@10.40.0.${at + 11}`,
      site: "centre",
      relay: "osaka",
      siteEndpoint: `10.40.0.${at + 11}:51820`,
    },
  ]);
  const peers = Object.fromEntries([...shops, ...people, ...phones, ...servers]);
  const changed = {
    ...without(peers, "laptop-07"),
    "laptop-19": { host: "root@via:tokyo", relay: "tokyo" },
    "phone-18": { relay: "tokyo" },
  };
  return {
    config: network(relays, peers),
    changed: network(relays, changed, peers),
    down: "shop-3-gate",
  };
}

function without(nodes: Nodes, removed: string): Nodes {
  return Object.fromEntries(Object.entries(nodes).filter(([name]) => name !== removed));
}

function numbered(name: string, count: number): string[] {
  const digits = String(count).length;
  return Array.from(
    { length: count },
    (_, at) => `${name}-${String(at + 1).padStart(digits, "0")}`,
  );
}

/** Gives every node its key, an address, and a pushed one a host key. `former`: peers that keep their addresses. */
function network(relays: Nodes, peers: Nodes, former: Nodes = peers): RawConfig {
  const names = Object.keys({ ...relays, ...former, ...peers });
  const complete = (nodes: Nodes) =>
    Object.fromEntries(
      Object.entries(nodes).map(([name, node]) => {
        const number = names.indexOf(name) + 1;
        const isRemote = node["host"] !== undefined && node["host"] !== "local";
        const more = isRemote ? { hostKey: HOST_KEY } : {};
        return [name, { address: `10.86.0.${number}`, publicKey: keyOf(name), ...node, ...more }];
      }),
    );
  return {
    network: { cidr: "10.86.0.0/24" },
    relays: complete(relays),
    peers: complete(peers),
    privateKeys: Object.fromEntries(
      Object.keys({ ...relays, ...peers }).map((name) => [name, Secret.sealed()]),
    ),
  };
}

function keyOf(name: string): string {
  return Buffer.from(name.padEnd(32).slice(0, 32)).toString("base64");
}
