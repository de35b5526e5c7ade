/**
 * The wanted endpoint of a peer, compared with the running one. WireGuard resolves a name once, and changes the endpoint by
 * itself when the peer roams (wg(8)).
 */
import type { EndpointDifference } from "./difference";
import { splitAt } from "./lines";
import type { Observation } from "./observation";
import { configPath } from "./paths";
import { SESSION_S } from "./running-peers";
import type { Wanted } from "./wanted";
import { pairsIn } from "./watched-keys";
import type { WantedEndpoint, WantedPeer } from "./wanted-interface";
import {
  formatNumericEndpoint,
  parseNumericEndpoint,
  type NumericEndpoint,
  type WireGuardPeer,
} from "./wireguard-state";

/** Endpoints to choose from, the preferred one first; none for a name that does not resolve. */
export function resolve(
  { host, isName, port }: WantedEndpoint,
  { answers }: Observation,
): NumericEndpoint[] {
  const addresses = isName ? (answers.get(host) ?? []) : [host];
  return addresses.map((address) => ({ address, port }));
}

/** Null if the running endpoint is fine. */
export function endpointDifference(
  { publicKey, endpoint }: WantedPeer,
  running: WireGuardPeer,
  recorded: ReadonlyMap<string, string>,
  observed: Observation,
  { fixedPorts, relaysBeside, mustShake }: Wanted,
): EndpointDifference | null {
  if (endpoint === null) return null;
  const targets = resolve(endpoint, observed).map(formatNumericEndpoint);
  const is = running.endpoint === null ? null : formatNumericEndpoint(running.endpoint);
  const [to] = targets;
  if (to === undefined || (is !== null && targets.includes(is))) return null;
  const before = recorded.get(publicKey);
  const isAtOtherPort =
    fixedPorts.includes(publicKey) &&
    targets.some((target) => addressOf(target) === addressOf(is ?? ""));
  const isAlive = is !== null && isFresh(running, observed);
  if (isAlive && before === endpoint.text && !isAtOtherPort) return null;
  const moved = (before !== undefined && before !== endpoint.text) || isAtOtherPort;
  // During a rotation the other port belongs to another interface, with its own session.
  const isRotating = pairsIn(observed.records.watched).some((pair) => pair.includes(publicKey));
  const isMoving = relaysBeside.includes(publicKey) && !mustShake.includes(publicKey);
  const roams = isAlive && isAtOtherPort && isMoving && !isRotating;
  const session = roams ? "roams" : moved ? "new" : "kept";
  return { kind: "endpoint", is, wanted: endpoint.text, to, session };
}

function addressOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(":"));
}

/** The endpoints that were set last, by public key, as `HOST:PORT` in the config. Older formats have only the live file. */
export function recordedEndpoints(
  { configs, records }: Observation,
  name: string,
): ReadonlyMap<string, string> {
  if (records.confirmed !== null && records.confirmedFile !== null)
    return records.confirmed.endpoints;
  const inFile = fileEndpoints(configs.get(configPath(name)) ?? []);
  return new Map([...inFile].map(([key, { text }]) => [key, text]));
}

/** The endpoint of a peer section in a wg-quick file of a host. */
interface FileEndpoint {
  /** `HOST:PORT` as in the config. */
  text: string;
  /** Null in files of older versions, which hold the name. */
  number: NumericEndpoint | null;
}

/** Starts the comment above an endpoint that is a name in the config. */
export const NAME_COMMENT = "# Endpoint = ";

/** By public key. */
export function fileEndpoints(lines: readonly string[]): Map<string, FileEndpoint> {
  const found = new Map<string, FileEndpoint>();
  let key = "";
  let name: string | null = null;
  for (const line of lines) {
    const [setting, value] = splitAt(line, "=").map((part) => part.trim());
    if (line.startsWith(NAME_COMMENT)) name = line.slice(NAME_COMMENT.length);
    else if (setting === "[Peer]") name = null;
    else if (setting === "PublicKey") key = value ?? "";
    else if (setting === "Endpoint" && value !== undefined)
      found.set(key, { text: name ?? value, number: parseNumericEndpoint(value) });
  }
  return found;
}

/** Whether its last handshake is not older than a session lasts. */
export function isFresh({ latestHandshake }: WireGuardPeer, { now }: Observation): boolean {
  return latestHandshake > 0 && now !== null && now - latestHandshake < SESSION_S;
}
