/**
 * A relay that gets another UDP port still serves the former one while peers that only the tunnel leads to have not been heard at
 * the new one. The host does it in a packet filter table of its own (scripts/push/host/84-port.sh), so it needs nft.
 */
import type { Observation } from "./observation";
import type { Refusal } from "./refusals";
import type { Wanted } from "./wanted";

/** As wanted, and with the former port. */
export function withFormerPort(observed: Observation, wanted: Wanted): Wanted {
  const old = formerPort(observed, wanted);
  const { main, second, tunnelOnly } = wanted;
  const keys = main.peers
    .filter(({ publicKey, allowedIps }) => tunnelOnly.includes(publicKey) && allowedIps.length > 0)
    .map(({ publicKey }) => publicKey);
  const isFree = old !== null && old !== main.listenPort && old !== second?.listenPort;
  if (!isFree || keys.length === 0) return wanted;
  return { ...wanted, formerPort: { port: old, keys, relays: wanted.relaysBeside } };
}

export function portNotes({ formerPort: former, main }: Wanted): string[] {
  if (former === undefined) return [];
  const names = main.peers
    .filter(({ publicKey }) => former.keys.includes(publicKey))
    .map(({ name }) => name);
  return [
    `UDP port ${former.port} is served beside ${main.listenPort ?? 0} until ${names.join(", ")} has followed: both must be open`,
  ];
}

/** Only two ports can be served. */
export function portRefusal(observed: Observation, wanted: Wanted): Refusal | null {
  const recorded = unsettled(observed, wanted);
  const { listenPort } = wanted.main;
  if (recorded === null || listenPort === null) return null;
  if (listenPort === recorded.old || listenPort === recorded.now) return null;
  return {
    cause: `UDP port ${recorded.old} is still served for hosts that only the tunnel leads to, and have not followed to ${recorded.now}: nothing was changed`,
    remedy: `set listenPort to ${recorded.now} and run up when they are on; a few minutes later set it to ${listenPort}`,
  };
}

function formerPort(observed: Observation, wanted: Wanted): number | null {
  const { main, digest } = wanted;
  const device = observed.devices.get(main.name);
  const recorded = unsettled(observed, wanted);
  if (device === undefined || main.listenPort === null) return null;
  if (observed.records.confirmed?.digest === digest)
    return recordedPort(observed, main.name)?.old ?? null;
  // With another key the port moves in a rotation.
  const isSame = device.publicKey === main.publicKey && observed.tools.has("nft");
  if (!isSame || device.listenPort === 0) return null;
  return device.listenPort === main.listenPort ? (recorded?.old ?? null) : device.listenPort;
}

interface Ports {
  old: number;
  now: number;
  line: string;
}

function unsettled(observed: Observation, { main }: Wanted): Ports | null {
  const found = recordedPort(observed, main.name);
  return found === null || observed.records.settled.includes(found.line) ? null : found;
}

/** From a line of watched-keys.ts. */
function recordedPort({ records }: Observation, name: string): Ports | null {
  const start = `port ${name} `;
  const line = records.rotation?.find((it) => it.startsWith(start));
  const [old, now] = line?.slice(start.length).split(" ").map(Number) ?? [];
  return line === undefined || old === undefined || now === undefined ? null : { old, now, line };
}
