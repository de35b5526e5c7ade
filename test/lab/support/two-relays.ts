/** The scenario `relay` with a second relay, osaka, which is nobody's home. */
import { relay } from "../../../scripts/lab/scenarios/relay";
import type { MeshLab } from "./mesh-lab";
import { succeeded, UP, type MeshSession } from "./mesh-session";
import { setConfig } from "./stack-edits";

export const twoRelays: typeof relay = {
  ...relay,
  world: {
    ...relay.world,
    hosts: { ...relay.world.hosts, osaka: { public: "203.0.113.11" } },
  },
  config: (lab) => {
    const { relays, peers, ...rest } = relay.config(lab);
    const homed = Object.entries(peers).map(([name, peer]) => [name, { ...peer, relay: "relay" }]);
    const osaka = { address: "10.0.0.4", host: "root@203.0.113.11" };
    return {
      ...rest,
      relays: { ...relays, osaka },
      peers: Object.fromEntries(homed) as typeof peers,
    };
  },
};

/** Converges it, and then leaves the desktop no other way in than the tunnel. */
export async function leaveTunnelOnly({ stack }: MeshLab, session: MeshSession): Promise<void> {
  setConfig(stack, ["network", "persistentKeepalive"], 5);
  succeeded(await session.pulumi(...UP));
  setConfig(stack, ["peers", "desktop", "host"], "root@via:relay");
  succeeded(await session.pulumi(...UP));
}
