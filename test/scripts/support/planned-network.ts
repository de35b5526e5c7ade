/** A small network, and the facts of its hosts when they match the plan. */
import type { Plan } from "../../../mesh/plan/plan";
import type { Facts, PeerFacts } from "../../../scripts/push/facts";
import type { HostAnswer } from "../../../scripts/stack/ask-hosts";
import { HOST_KEY, nodeOf, nodes, planWithKeys } from "./network";

export const OWNER = "wireguard-mesh/test";
const NOW = 1_000_000;

const node = nodes("tokyo", "nas", "phone", "vps");
export const plan = planWithKeys({
  relays: { tokyo: node("tokyo", { host: "root@203.0.113.10", hostKey: HOST_KEY }) },
  peers: {
    nas: node("nas", { host: "local", subnets: ["192.168.10.0/24"] }),
    phone: node("phone"),
    vps: node("vps", {
      host: "root@198.51.100.9",
      hostKey: HOST_KEY,
      endpoint: "198.51.100.9:51820",
    }),
  },
});

/** The facts of a host that matches the plan; every handshake was `age` seconds ago. */
export function asPlanned(of: Plan, name: string, age: number | null = 10): Facts {
  const planned = nodeOf(of, name);
  return {
    owner: OWNER,
    node: name,
    machine: "m",
    digest: "d",
    pending: null,
    rolledBack: null,
    backend: "kernel",
    file: "f",
    confirmedFile: "f",
    atBoot: true,
    routeChanges: [],
    staleEndpoints: [],
    runsOtherwise: false,
    notes: [],
    interface: "up",
    publicKey: planned.publicKey,
    listenPort: planned.listenPort ?? 40_000,
    mtu: 1420,
    addresses: [`${planned.address.text}/24`],
    forwarding: { ipv4: true, ipv6: false },
    now: NOW,
    alternate: null,
    watcher: null,
    peers: planned.sections.map((section): PeerFacts => ({
      publicKey: section.publicKey,
      endpoint: section.endpoint,
      allowedIps: section.allowedIps,
      latestHandshake: age === null ? null : NOW - age,
      receivedBytes: 2048,
      sentBytes: 10,
      persistentKeepalive: section.persistentKeepalive,
    })),
  };
}

export const reached = (facts: Facts): HostAnswer => ({ reachable: true, through: "local", facts });
