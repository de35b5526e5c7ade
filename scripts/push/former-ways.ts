/** Ways to a host at other tunnel addresses than its own, which its relay knows (mesh/host/former-addresses.ts). */
import { otherAddresses } from "../../mesh/host/former-addresses";
import type { HostAccess, HostTarget } from "../../mesh/push-request";
import { withHost } from "./connect";
import { newToken, NO_QUESTIONS, observe } from "./conversation";
import { FORMER_REACH_MS } from "./limits";
import { PushError } from "./push-error";

type TunnelTarget = Extract<HostTarget, { kind: "ssh" }>;

/** Asks the relays of the ways through the tunnel. None of a relay that does not answer. */
export async function formerWays(
  access: HostAccess & { interface: string },
): Promise<HostTarget[]> {
  const found = await Promise.all(access.targets.map((target) => waysBeside(target, access)));
  return found.flat();
}

async function waysBeside(
  target: HostTarget,
  access: HostAccess & { interface: string },
): Promise<TunnelTarget[]> {
  if (target.kind !== "ssh" || target.via.length === 0) return [];
  const addresses = await keptBeside(target, access).catch((problem: unknown) => {
    if (problem instanceof PushError) return [];
    throw problem;
  });
  return addresses.map((address) => ({ ...target, hop: { ...target.hop, address } }));
}

/** Other addresses of the host with this one. */
function keptBeside(
  { hop, via }: TunnelTarget,
  { node, sshPrivateKey, interface: name }: HostAccess & { interface: string },
): Promise<string[]> {
  const [relay, ...rest] = via;
  if (relay === undefined) return Promise.resolve([]);
  const targets: HostTarget[] = [{ kind: "ssh", hop: relay, via: rest }];
  return withHost({ node, targets, sshPrivateKey }, (host) =>
    host.session({ reachMs: FORMER_REACH_MS, urgent: true }, async (session) => {
      const call = { verb: "status", interface: name, token: newToken() } as const;
      const { devices, records } = await observe(session, node, call, NO_QUESTIONS);
      const peers = devices.get(name)?.peers.values() ?? [];
      return otherAddresses(hop.address, peers, records.rotation ?? []);
    }),
  );
}
