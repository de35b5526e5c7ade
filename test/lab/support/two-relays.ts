/** The scenario `relay` with a second relay, osaka, which is no peer's home relay. */
import { relay } from "../../../scripts/lab/scenarios/relay";
import type { MeshLab } from "./mesh-lab";
import { succeeded, UP, type MeshSession } from "./mesh-session";
import { setConfig } from "./stack-edits";

/** Name → the address where it is dialled. */
export const RELAYS = { relay: "203.0.113.10", osaka: "203.0.113.11" } as const;

export const twoRelays: typeof relay = {
  ...relay,
  world: {
    ...relay.world,
    hosts: { ...relay.world.hosts, osaka: { public: RELAYS.osaka } },
  },
  config: (lab) => {
    const { relays, peers, ...rest } = relay.config(lab);
    const homed = Object.entries(peers).map(([name, peer]) => [name, { ...peer, relay: "relay" }]);
    const osaka = { address: "10.0.0.4", host: `root@${RELAYS.osaka}` };
    return {
      ...rest,
      relays: { ...relays, osaka },
      peers: Object.fromEntries(homed) as typeof peers,
    };
  },
};

/** The same with more peers in the desktop's LAN. */
export function withMorePeers(scenario: typeof relay, names: readonly string[]): typeof relay {
  const hosts = names.map(
    (name, at) => [name, { nat: "home", ip: `192.168.1.${21 + at}` }] as const,
  );
  return {
    ...scenario,
    world: {
      ...scenario.world,
      hosts: { ...scenario.world.hosts, ...Object.fromEntries(hosts) },
    },
    config: (lab) => {
      const config = scenario.config(lab);
      const peers = names.map((name, at) => {
        const host = `root@${lab.managementAddress(name)}`;
        return [name, { address: `10.0.0.${21 + at}`, host, relay: "relay" }] as const;
      });
      return { ...config, peers: { ...config.peers, ...Object.fromEntries(peers) } };
    },
  };
}

/** Converges it, and then makes the desktop, or the given hosts, reachable only through the tunnel. */
export async function leaveTunnelOnly(
  { stack }: MeshLab,
  session: MeshSession,
  hosts: readonly string[] = ["desktop"],
): Promise<void> {
  setConfig(stack, ["network", "persistentKeepalive"], 5);
  succeeded(await session.pulumi(...UP));
  for (const host of hosts) setConfig(stack, ["peers", host, "host"], "root@via:relay");
  succeeded(await session.pulumi(...UP));
}
