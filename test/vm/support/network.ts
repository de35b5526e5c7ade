/** A small WireGuard network: the virtual machine as the relay, the lab's two namespace hosts as its peers. */
import * as assert from "node:assert/strict";
import * as nacl from "tweetnacl";
import type { Lab } from "../../../scripts/lab/lab";
import { waitFor } from "../../../scripts/lab/process";
import { ELASTIC } from "./machine-in-lab";

export const TUNNEL = { tokyo: "10.86.0.1", desktop: "10.86.0.2", laptop: "10.86.0.3" };
export type Peer = "desktop" | "laptop";
const PEERS: Peer[] = ["desktop", "laptop"];
/** wireguard-go tries a handshake again after five seconds. */
const ANSWER_LIMIT_MS = 60_000;

interface KeyPair {
  privateKey: string;
  publicKey: string;
}

export class Network {
  private readonly keys: Record<keyof typeof TUNNEL, KeyPair> = {
    ...{ tokyo: keyPair(), desktop: keyPair(), laptop: keyPair() },
  };

  constructor(private readonly lab: Lab) {}

  get relayKey(): string {
    return this.keys.tokyo.publicKey;
  }

  /** The relay's file, with an MTU line where one is given. */
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

  /** Sets the two peers up by hand. */
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

  /** That a peer gets an answer from a tunnel address, within a minute. */
  async assertAnswers(peer: Peer, address: string): Promise<void> {
    const ping = ["ping", "-n", "-c1", "-W3", address];
    const answer = await waitFor(
      async () => ((await this.lab.exec(peer, ping)).code === 0 ? true : undefined),
      ANSWER_LIMIT_MS,
      500,
    );
    assert.equal(answer, true, `${peer} got no answer from ${address}`);
  }

  /** That the relay answers and passes on from one peer to the other. */
  async assertWorks(): Promise<void> {
    await this.assertAnswers("laptop", TUNNEL.tokyo);
    await this.assertAnswers("desktop", TUNNEL.tokyo);
    await this.assertAnswers("laptop", TUNNEL.desktop);
  }
}

function keyPair(): KeyPair {
  const { secretKey, publicKey } = nacl.box.keyPair();
  const text = (key: Uint8Array): string => Buffer.from(key).toString("base64");
  return { privateKey: text(secretKey), publicKey: text(publicKey) };
}
