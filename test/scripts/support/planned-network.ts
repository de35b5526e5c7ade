/** A small network, and what its hosts report when they match the plan. */
import type { Observation } from "../../../mesh/host/observation";
import type { Plan } from "../../../mesh/plan/plan";
import type { Keyring } from "../../../mesh/render/render";
import { Secret } from "../../../mesh/secret";
import type { HostAnswer } from "../../../scripts/stack/query-hosts";
import { NO_INSTANCES } from "../../../scripts/stack/host-access";
import type { Planned } from "../../../scripts/stack/planned-state";
import { HOST_KEY, nodeOf, nodes, planWithKeys, privateKeyOf } from "./network";
import { NOW, OWNER, pushedHost } from "./pushed-host";

export { NOW, OWNER } from "./pushed-host";

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
  presharedKeySeed: Secret.sealed(),
});

export const plannedAs = (of: Plan): Planned => ({
  plan: of,
  owner: OWNER,
  instances: NO_INSTANCES,
});

/** The keys of `keyOf`. */
export function keyringOf({ nodes: all }: Plan): Keyring {
  return {
    privateKeys: new Map(all.map(({ name }) => [name, privateKeyOf(name)])),
    formerPrivateKeys: new Map(),
    presharedKeySeed: privateKeyOf("seed"),
    sshPrivateKey: null,
    sshAuthoritySeed: null,
  };
}

/** A host that matches the plan; every handshake was `age` seconds ago. */
export function asPlanned(of: Plan, name: string, age: number | null = 10): Observation {
  return pushedHost(nodeOf(of, name), of, keyringOf(of), age);
}

export const reached = (observed: Observation): HostAnswer => ({
  reachable: true,
  through: "local",
  observed,
  queriedAt: NOW,
});

/** All hosts of `plan` match it. */
export const allAsPlanned = () => ({
  nas: reached(asPlanned(plan, "nas")),
  tokyo: reached(asPlanned(plan, "tokyo")),
  vps: reached(asPlanned(plan, "vps")),
});
