/**
 * A relay and two peers whose tunnels work, for faults that must not disturb them: 20 ms pings between the peers, both ways
 * through the relay, and the relay's sessions with them.
 */
import * as assert from "node:assert/strict";
import { poll } from "../../../scripts/poll";
import { Lab } from "../../../scripts/lab/lab";
import { HostSession, type WantedState } from "./host-protocol";
import { LeakWatch } from "./leak-watch";
import { describeGaps, pingGapsDuring, type Direction } from "./ping-gaps";
import { keyPairFor, PUSH_WORLD } from "./pushing";
import { canPingSoon } from "./small-world";

export const RELAY_ADDRESS = "203.0.113.10";
/**
 * The longest time without a reply, besides what a busy machine itself loses. It need not be tight: a peer that is removed or
 * dialled elsewhere loses pings for longer, and a lost session shows in the handshakes.
 */
const LONGEST_GAP_MS = 300;

const PEERS = { desktop: "10.0.0.2", laptop: "10.0.0.3" };
const DIRECTIONS: Direction[] = [
  ["laptop", PEERS.desktop],
  ["desktop", PEERS.laptop],
];
/** Outside the tunnel: what is lost or late here, a busy test machine has caused. */
const CONTROL: Direction = ["laptop", RELAY_ADDRESS];

export class WorkingNetwork {
  private constructor(
    readonly lab: Lab,
    readonly relay: HostSession,
    readonly desktop: HostSession,
    readonly laptop: HostSession,
    readonly leaks: LeakWatch,
  ) {}

  /** Builds a lab with this id, and pushes to its three hosts. */
  static async up(id: string): Promise<WorkingNetwork> {
    const lab = await Lab.up(PUSH_WORLD, { id });
    const [relay, desktop, laptop] = ["relay", "desktop", "laptop"].map(
      (node) => new HostSession(lab, node),
    );
    assert.ok(relay && desktop && laptop);
    const net = new WorkingNetwork(lab, relay, desktop, laptop, await LeakWatch.forPushes(lab));
    await relay.converge(net.relayState());
    await desktop.converge(net.peerState("desktop"));
    await laptop.converge(net.peerState("laptop"));
    await net.assertWorks();
    return net;
  }

  /** `more`: settings of the interface; `peers`: more peer sections; `desktop`: more settings of that peer. */
  relayState({ more = [], peers = [], desktop = [] }: RelayLines = {}): WantedState {
    const section = (name: keyof typeof PEERS): string[] => [
      ...["", `# ${name}`, "[Peer]", `PublicKey = ${keyPairFor(name).publicKey}`],
      `AllowedIPs = ${PEERS[name]}/32`,
    ];
    const config = [
      ...["[Interface]", `PrivateKey = ${keyPairFor("relay").privateKey}`, "Address = 10.0.0.1/24"],
      ...["ListenPort = 51820", ...more],
      ...[...section("desktop"), ...desktop, ...section("laptop"), ...peers, ""],
    ].join("\n");
    return { config, forwarding: true };
  }

  /** `endpoint`: the relay's. */
  peerState(
    name: keyof typeof PEERS,
    { endpoint = `${RELAY_ADDRESS}:51820`, more = [] as string[] } = {},
  ): WantedState {
    const config = [
      ...["[Interface]", `PrivateKey = ${keyPairFor(name).privateKey}`],
      ...[`Address = ${PEERS[name]}/24`, ...more],
      ...["", "# relay", "[Peer]", `PublicKey = ${keyPairFor("relay").publicKey}`],
      ...["AllowedIPs = 10.0.0.0/24", `Endpoint = ${endpoint}`, "PersistentKeepalive = 5", ""],
    ].join("\n");
    return { config };
  }

  async assertWorks(): Promise<void> {
    for (const [from, to] of DIRECTIONS) {
      // After a loss of sessions a peer shakes hands again 15 s after it sent data without a reply.
      assert.ok(await canPingSoon(this.lab, from, to, 60_000), `${from} > ${to}`);
    }
  }

  /** Asserts that an action causes no long gap between replies, and no new session on the relay. */
  async undisturbed(action: () => Promise<void>): Promise<void> {
    const sampler = this.lab.spawn(
      "relay",
      ["sh", "-c", "while :; do wg show wg0 latest-handshakes; echo; sleep 0.05; done"],
      { stdio: "pipe" },
    );
    let sampled = "";
    sampler.stdout?.setEncoding("utf8").on("data", (text: string) => (sampled += text));
    const link = await this.relay.run("cat /sys/class/net/wg0/ifindex");
    const samples = (): string[] => sampled.split("\n\n").slice(0, -1);
    const gaps = await pingGapsDuring(this.lab, [...DIRECTIONS, CONTROL], async () => {
      await action();
      await poll(() => (samples().length > 3 ? true : undefined), { limitMs: 10_000, pauseMs: 20 });
    }).finally(() => sampler.kill());
    // On a busy machine, wireguard-go may have waited as long as a ping outside the tunnel.
    const noiseMs = gaps.at(-1)?.longestMs ?? 0;
    const isLong = gaps.some(({ silentMs }) => silentMs > LONGEST_GAP_MS + noiseMs);
    assert.equal(isLong, false, describeGaps(gaps));
    for (const { lost } of gaps) assert.equal(lost, 0, describeGaps(gaps));
    assert.equal(await this.relay.run("cat /sys/class/net/wg0/ifindex"), link);
    assert.ok(samples().length > 3, "too few samples of the handshakes");
    for (const sample of samples()) {
      for (const name of Object.keys(PEERS)) {
        const line = sample.split("\n").find((it) => it.startsWith(keyPairFor(name).publicKey));
        assert.ok(line !== undefined && !line.endsWith("\t0"), `${name}: a session was lost`);
      }
    }
  }
}

interface RelayLines {
  more?: string[];
  peers?: string[];
  desktop?: string[];
}

/** A peer section of the relay. */
export function peerLines(name: string, allowedIps: string, endpoint?: string): string[] {
  return [
    ...["", `# ${name}`, "[Peer]", `PublicKey = ${keyPairFor(name).publicKey}`],
    `AllowedIPs = ${allowedIps}`,
    ...(endpoint === undefined ? [] : [`Endpoint = ${endpoint}`]),
  ];
}
