/** The scenario `relay` with a second relay, osaka, which is nobody's home. */
import { relay } from "../../../scripts/lab/scenarios/relay";

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
