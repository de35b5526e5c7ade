/** What is true on a host right now, as it says itself. */
import type { HostAccess } from "../../mesh/push-request";
import { withHost, type Host, type HostRun, type RunOptions } from "./connect";
import { composeMessage, parseAnswer, parseComplaint, type Marks } from "./host-script";
import { FACTS_MS } from "./limits";
import { PushError } from "./push-error";

/** null: the host has or says no such thing. */
export interface Facts {
  owner: string | null;
  node: string | null;
  machine: string | null;
  /** PushResult.digest of the state that was confirmed last. */
  digest: string | null;
  /** Token of a push that is not confirmed yet. */
  pending: string | null;
  /** Token of the last push that the host undid. */
  rolledBack: string | null;
  backend: "kernel" | "userspace" | null;
  /** sha256 (hex) of the config file that stands in /etc/wireguard. */
  file: string | null;
  /** sha256 (hex) of the one that was confirmed last. */
  confirmedFile: string | null;
  /** Whether the next boot brings up what was confirmed: unit and forwarding. Null: nothing of ours is there. */
  atBoot: boolean | null;
  /** Routes that are missing (`add`) or not ours (`del`), as `add -4 PREFIX`. */
  routeChanges: string[];
  /** Peers that are dialled at an endpoint that is no longer the configured one, and silent for 180 s. */
  staleEndpoints: { publicKey: string; is: string; planned: string }[];
  /** What runs is not what its file says, by the host's own look at both, secrets included. */
  runsOtherwise: boolean;
  /** What the host wants people to know: a firewall in the way. */
  notes: string[];
  interface: "up" | "down" | "missing";
  publicKey: string | null;
  listenPort: number | null;
  mtu: number | null;
  /** Addresses of the interface, with prefix. */
  addresses: string[];
  forwarding: { ipv4: boolean; ipv6: boolean };
  /** The host's clock, seconds since the epoch. */
  now: number | null;
  peers: PeerFacts[];
  /** A relay's second interface, which serves its other key on its rotation port. */
  alternate: AlternateFacts | null;
  /** Whether the watcher of pending keys runs; null: no key is pending. */
  watcher: "running" | "missing" | null;
}

export interface AlternateFacts {
  interface: string;
  /** Null: it is not there. */
  publicKey: string | null;
  listenPort: number | null;
  peers: PeerFacts[];
}

/** One WireGuard peer, as `wg show INTERFACE dump` has it. */
export interface PeerFacts {
  publicKey: string;
  endpoint: string | null;
  allowedIps: string[];
  /** Seconds since the epoch; null: never. */
  latestHandshake: number | null;
  receivedBytes: number;
  sentBytes: number;
  /** Seconds; null: off. */
  persistentKeepalive: number | null;
}

/** @throws PushError (UnreachableError without a way in) */
export function hostFacts(
  access: HostAccess & Marks,
  options: Partial<RunOptions> = {},
): Promise<Facts & { through: string }> {
  return withHost(access, async (host) => {
    const run = await askFacts(host, access, options);
    return { ...factsOf(run, access.node), through: run.through };
  });
}

/** Asks a host that is at hand. */
export function askFacts(
  host: Host,
  marks: Marks,
  options: Partial<RunOptions> = {},
): Promise<HostRun> {
  return host.run(composeMessage("facts", marks), { limitMs: FACTS_MS, ...options });
}

/** @throws PushError when the host did not answer to the end. */
export function factsOf(run: HostRun, node: string): Facts {
  if (run.exitCode === 0) return parseFacts(run.stdout);
  const why =
    parseComplaint(run.stderr) ?? "the connection broke before the host had answered. Try again.";
  throw new PushError(`${node}: ${why}`);
}

export function parseFacts(stdout: string): Facts {
  const answer = parseAnswer(stdout);
  const word = (key: string): string | null => answer.get(key)?.at(-1) || null;
  const number = (key: string): number | null => numberOf(word(key) ?? "");
  const [forwarding4 = "0", forwarding6 = "0"] = (word("forwarding") ?? "").split(" ");
  const link = word("interface");
  const backend = word("backend");
  const watcher = word("watcher");
  const second = word("alternate");
  return {
    owner: word("owner"),
    node: word("node"),
    machine: word("machine"),
    digest: word("digest"),
    pending: word("pending"),
    rolledBack: word("rolled-back"),
    backend: backend === "kernel" || backend === "userspace" ? backend : null,
    file: word("file"),
    confirmedFile: word("confirmed-file"),
    atBoot: word("at-boot") === null ? null : word("at-boot") === "yes",
    routeChanges: answer.get("route") ?? [],
    staleEndpoints: (answer.get("stale") ?? []).map((line) => {
      const [publicKey = "", is = "", planned = ""] = line.split(" ");
      return { publicKey, is, planned };
    }),
    runsOtherwise: answer.has("runs-otherwise"),
    notes: answer.get("note") ?? [],
    interface: link === "up" || link === "down" ? link : "missing",
    publicKey: word("public-key"),
    listenPort: number("listen-port"),
    mtu: number("mtu"),
    addresses: (word("addresses") ?? "").split(" ").filter((address) => address !== ""),
    forwarding: { ipv4: forwarding4 === "1", ipv6: forwarding6 === "1" },
    now: number("now"),
    peers: (answer.get("peer") ?? []).map(parsePeer),
    alternate:
      second === null
        ? null
        : {
            interface: second,
            publicKey: word("alternate-public-key"),
            listenPort: number("alternate-listen-port"),
            peers: (answer.get("alternate-peer") ?? []).map(parsePeer),
          },
    watcher: watcher === "running" || watcher === "missing" ? watcher : null,
  };
}

function parsePeer(line: string): PeerFacts {
  const [
    publicKey = "",
    endpoint = "",
    allowedIps = "",
    handshake = "",
    rx = "",
    tx = "",
    keepalive = "",
  ] = line.split(" ");
  return {
    publicKey,
    endpoint: endpoint === "(none)" ? null : endpoint,
    allowedIps: allowedIps === "(none)" ? [] : allowedIps.split(","),
    latestHandshake: numberOf(handshake) || null,
    receivedBytes: numberOf(rx) ?? 0,
    sentBytes: numberOf(tx) ?? 0,
    persistentKeepalive: numberOf(keepalive),
  };
}

function numberOf(word: string): number | null {
  return /^\d+$/.test(word) ? Number(word) : null;
}
