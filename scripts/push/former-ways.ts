/**
 * More ways to a host that was not reached: at its former tunnel addresses, which relays keep (mesh/host/former-addresses.ts),
 * and through relays that its present ways do not use.
 */
import { addressesKnownBy, type RelayRecord } from "../../mesh/host/known-addresses";
import type { HostAccess, HostTarget, PushRequest } from "../../mesh/push-request";
import { withHost } from "./connect";
import { newToken, NO_QUESTIONS, observe } from "./conversation";
import { FORMER_REACH_MS } from "./limits";
import { PushError } from "./push-error";

type Access = HostAccess & Pick<PushRequest, "interface" | "otherJumps">;
type TunnelTarget = Extract<HostTarget, { kind: "ssh" }>;

/**
 * Asks the relays; one that does not answer is skipped. Asking also restarts a watcher that was killed there. `publicKey`: the
 * host's own; null: unknown.
 */
export async function formerWays(access: Access, publicKey: string | null): Promise<HostTarget[]> {
  const tunnel = access.targets.filter(
    (target): target is TunnelTarget => target.kind === "ssh" && target.via.length > 0,
  );
  const found = await Promise.all([
    ...tunnel.map(async (way) => {
      const known = await waysLike(way, access, publicKey);
      return known.filter(({ hop }) => hop.address !== way.hop.address);
    }),
    ...throughOthers(tunnel, access).map((way) => waysLike(way, access, publicKey)),
  ]);
  return found.flat();
}

function throughOthers(
  [first]: readonly TunnelTarget[],
  { otherJumps = [] }: Access,
): TunnelTarget[] {
  return first === undefined ? [] : otherJumps.map((jump) => ({ ...first, via: [jump] }));
}

/** The same way at the addresses that its relay knows of the host. */
async function waysLike(
  way: TunnelTarget,
  access: Access,
  publicKey: string | null,
): Promise<TunnelTarget[]> {
  const relay = await recordOf(way, access).catch((problem: unknown) => {
    if (problem instanceof PushError) return null;
    throw problem;
  });
  if (relay === null) return [];
  const { hop } = way;
  const all = addressesKnownBy(relay, { address: hop.address, publicKey });
  return all.map((address) => ({ ...way, hop: { ...hop, address } }));
}

/** Of the relay of a way. */
function recordOf(
  { via: [relay, ...rest] }: TunnelTarget,
  { node, sshPrivateKey, interface: name }: Access,
): Promise<RelayRecord | null> {
  if (relay === undefined) return Promise.resolve(null);
  const targets: HostTarget[] = [{ kind: "ssh", hop: relay, via: rest }];
  return withHost({ node, targets, sshPrivateKey }, (host) =>
    host.session({ reachMs: FORMER_REACH_MS, urgent: true }, async (session) => {
      const call = { verb: "mend", interface: name, token: newToken() } as const;
      const { devices, records } = await observe(session, node, call, NO_QUESTIONS);
      const peers = [...(devices.get(name)?.peers.values() ?? [])];
      return { peers, watched: records.rotation ?? [] };
    }),
  );
}
