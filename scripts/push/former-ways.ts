/**
 * Ways to a host at other tunnel addresses than its own, and through relays that are none of its ways: they know where it was
 * before (mesh/host/former-addresses.ts).
 */
import { addressesOfKey, otherAddresses, type RelayRecord } from "../../mesh/host/former-addresses";
import type { HostAccess, HostTarget, PushRequest } from "../../mesh/push-request";
import { withHost } from "./connect";
import { newToken, NO_QUESTIONS, observe } from "./conversation";
import { FORMER_REACH_MS } from "./limits";
import { PushError } from "./push-error";

type Access = HostAccess & Pick<PushRequest, "interface" | "otherJumps">;
type TunnelTarget = Extract<HostTarget, { kind: "ssh" }>;

/** Asks the relays, none of which must answer. `publicKey`: the host's own; null: unknown. */
export async function formerWays(access: Access, publicKey: string | null): Promise<HostTarget[]> {
  const tunnel = access.targets.filter(
    (target): target is TunnelTarget => target.kind === "ssh" && target.via.length > 0,
  );
  const byKey = (relay: RelayRecord) =>
    publicKey === null ? [] : addressesOfKey(publicKey, relay);
  const others = publicKey === null ? [] : throughOthers(tunnel, access);
  const found = await Promise.all([
    ...tunnel.map((way) => {
      const { address } = way.hop;
      return waysLike(way, access, (relay) =>
        [...otherAddresses(address, relay), ...byKey(relay)].filter((it) => it !== address),
      );
    }),
    ...others.map((way) => waysLike(way, access, byKey)),
  ]);
  return found.flat();
}

function throughOthers(
  [first]: readonly TunnelTarget[],
  { otherJumps = [] }: Access,
): TunnelTarget[] {
  return first === undefined ? [] : otherJumps.map((jump) => ({ ...first, via: [jump] }));
}

/** The same way at the addresses that its relay has for the host. */
async function waysLike(
  way: TunnelTarget,
  access: Access,
  addressesIn: (relay: RelayRecord) => string[],
): Promise<TunnelTarget[]> {
  const relay = await recordOf(way, access).catch((problem: unknown) => {
    if (problem instanceof PushError) return null;
    throw problem;
  });
  if (relay === null) return [];
  return [...new Set(addressesIn(relay))].map((address) => ({
    ...way,
    hop: { ...way.hop, address },
  }));
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
      const call = { verb: "status", interface: name, token: newToken() } as const;
      const { devices, records } = await observe(session, node, call, NO_QUESTIONS);
      const peers = [...(devices.get(name)?.peers.values() ?? [])];
      return { peers, watched: records.rotation ?? [] };
    }),
  );
}
