/** A small WireGuard network: the virtual machine is the relay, the lab's two hosts are its peers. */
import * as assert from "node:assert/strict";
import { poll } from "../../../scripts/poll";
import type { Lab } from "../../../scripts/lab/lab";
import { newKeyPair, type PlainKeyPair } from "../../support/key-pairs";
import { ELASTIC } from "./machine-in-lab";

export const TUNNEL = { tokyo: "10.86.0.1", desktop: "10.86.0.2", laptop: "10.86.0.3" };
export type PeerName = "desktop" | "laptop";
const PEERS: PeerName[] = ["desktop", "laptop"];
/** wireguard-go retries a handshake after five seconds. */
const ANSWER_LIMIT_MS = 60_000;

export class MachineNetwork {
  private readonly keys: Record<keyof typeof TUNNEL, PlainKeyPair> = {
    ...{ tokyo: newKeyPair(), desktop: newKeyPair(), laptop: newKeyPair() },
  };

  constructor(private readonly lab: Lab) {}

  get relayKey(): string {
    return this.keys.tokyo.publicKey;
  }

  /** The relay's wg-quick file. */
  relayConfig(mtu?: number): string {
    const sections = PEERS.map(
      (peer) =>
        `\n[Peer]\nPublicKey = ${this.keys[peer].publicKey}\nAllowedIPs = ${TUNNEL[peer]}/32\n`,
    );
    return `[Interface]
PrivateKey = ${this.keys.tokyo.privateKey}
Address = ${TUNNEL.tokyo}/24
ListenPort = 51820
${mtu === undefined ? "" : `MTU = ${mtu}\n`}${sections.join("")}`;
  }

  /** Configures the two peers by hand. */
  async startPeers(): Promise<void> {
    for (const peer of PEERS) {
      const config = `[Interface]
PrivateKey = ${this.keys[peer].privateKey}
Address = ${TUNNEL[peer]}/24

[Peer]
PublicKey = ${this.relayKey}
AllowedIPs = 10.86.0.0/24
Endpoint = ${ELASTIC}:51820
PersistentKeepalive = 5
`;
      const script = "umask 077; cat >/etc/wireguard/wg0.conf && wg-quick up wg0";
      const { code, stderr } = await this.lab.exec(peer, ["sh", "-c", script], { input: config });
      assert.equal(code, 0, stderr);
    }
  }

  /** Asserts that a peer can ping a tunnel address within a minute. */
  async assertReaches(peer: PeerName, address: string): Promise<void> {
    const ping = ["ping", "-n", "-c1", "-W3", address];
    const reply = await poll(
      async () => ((await this.lab.exec(peer, ping)).code === 0 ? true : undefined),
      { limitMs: ANSWER_LIMIT_MS, pauseMs: 500 },
    );
    assert.equal(reply, true, `${peer} got no reply from ${address}`);
  }

  /** Asserts that both peers reach the relay and one reaches the other through it. */
  async assertWorks(): Promise<void> {
    await this.assertReaches("laptop", TUNNEL.tokyo);
    await this.assertReaches("desktop", TUNNEL.tokyo);
    await this.assertReaches("laptop", TUNNEL.desktop);
  }
}
