/** A small network with keys that change, pushed host by host by the push program itself: files as the program renders them. */
import * as assert from "node:assert/strict";
import { presharedKeyOf } from "../../../mesh/keys";
import type { HostTarget, PushRequest, RotationTask } from "../../../mesh/push-request";
import { Secret } from "../../../mesh/secret";
import type { Lab } from "../../../scripts/lab/lab";
import type { Finished } from "../../../scripts/lab/process";
import { hop, managed, newKey, push, requestFor } from "./pushing";

export const RELAY = "203.0.113.10";
export const ADDRESSES: Record<string, string> = {
  relay: "10.0.0.1",
  desktop: "10.0.0.2",
  laptop: "10.0.0.3",
};
export const PORT = 51820;
export const ROTATION_PORT = 51821;
export const SECOND = "wg0-next";

type KeyPair = ReturnType<typeof newKey>;

/** One node's keys: the one that it is, and where both are known, the other. */
export interface Keys {
  current: KeyPair;
  next?: KeyPair;
}

export class RotatingNetwork {
  readonly keys: Record<string, Keys> = {
    relay: { current: newKey() },
    desktop: { current: newKey() },
    laptop: { current: newKey() },
  };
  /** Whether the relay serves the rotation port, and with which key. */
  second: KeyPair | null = null;
  readonly seed = Secret.of(newKey().privateKey);

  constructor(readonly lab: Lab) {}

  keysOf(node: string): Keys {
    const keys = this.keys[node];
    assert.ok(keys, node);
    return keys;
  }

  /** Every secret that has been given out, by name. */
  relay(): PushRequest {
    const { current } = this.keysOf("relay");
    const peers = Object.keys(this.keys).filter((node) => node !== "relay");
    const pairs = peers.flatMap((node) => {
      const { current: is, next } = this.keysOf(node);
      if (next === undefined) return [];
      return [
        {
          current: is.publicKey,
          next: next.publicKey,
          allowedIps: [`${ADDRESSES[node] ?? ""}/32`],
        },
      ];
    });
    const sections = (own: KeyPair) => peers.flatMap((node) => this.sectionsOf(node, own));
    const config = text([
      ...[
        "[Interface]",
        `PrivateKey = ${current.privateKey}`,
        "Address = 10.0.0.1/24",
        `ListenPort = ${PORT}`,
      ],
      ...sections(current),
    ]);
    const second =
      this.second === null
        ? null
        : {
            interface: SECOND,
            config: text([
              ...[
                "[Interface]",
                `PrivateKey = ${this.second.privateKey}`,
                `ListenPort = ${ROTATION_PORT}`,
              ],
              ...["Table = off", ...sections(this.second)],
            ]),
          };
    const rotation: RotationTask | null =
      pairs.length === 0 && second === null ? null : { pairs, alternate: second, mustShake: [] };
    return requestFor(this.lab, "relay", {
      config,
      rotation,
      forwarding: { ipv4: true, ipv6: false },
    });
  }

  /** As the relay's neighbour: with its newest key, and the relay's newest on the port where that is served. */
  peer(
    node: string,
    { relayKey, port, ways }: { relayKey?: KeyPair; port?: number; ways?: HostTarget[] } = {},
  ): PushRequest {
    const own = this.keysOf(node).next ?? this.keysOf(node).current;
    const relay = relayKey ?? this.keysOf("relay").next ?? this.keysOf("relay").current;
    const at = port ?? (this.keysOf("relay").next === undefined ? PORT : ROTATION_PORT);
    const config = text([
      ...["[Interface]", `PrivateKey = ${own.privateKey}`, `Address = ${ADDRESSES[node] ?? ""}/24`],
      ...["", "# relay", "[Peer]", `PublicKey = ${relay.publicKey}`],
      `PresharedKey = ${this.shared(own, relay)}`,
      ...["AllowedIPs = 10.0.0.0/24", `Endpoint = ${RELAY}:${at}`, "PersistentKeepalive = 25"],
    ]);
    return requestFor(this.lab, node, {
      config,
      probes: ["10.0.0.1"],
      targets: ways ?? [managed(this.lab, node)],
      rotation: { pairs: [], alternate: null, mustShake: [relay.publicKey] },
    });
  }

  /** The only way: the tunnel address, through the relay. */
  tunnel(node: string): HostTarget[] {
    const via = [hop(this.lab, "relay", RELAY)];
    return [{ kind: "ssh", hop: hop(this.lab, node, ADDRESSES[node] ?? ""), via }];
  }

  /** A new next key. */
  stage(node: string): KeyPair {
    const next = newKey();
    this.keys[node] = { current: this.keysOf(node).current, next };
    if (node === "relay") this.second = next;
    return next;
  }

  /** The next key becomes the current one. A relay's second interface stays. */
  finish(node: string): void {
    const { current, next } = this.keysOf(node);
    this.keys[node] = { current: next ?? current };
  }

  private sectionsOf(node: string, own: KeyPair): string[] {
    const { current, next } = this.keysOf(node);
    const section = (name: string, key: KeyPair, more: string[]) => [
      ...[
        "",
        `# ${name}`,
        "[Peer]",
        `PublicKey = ${key.publicKey}`,
        `PresharedKey = ${this.shared(own, key)}`,
      ],
      ...more,
    ];
    const allowed = [`AllowedIPs = ${ADDRESSES[node] ?? ""}/32`];
    return [
      ...section(node, current, allowed),
      ...(next === undefined ? [] : section(`${node} (next key)`, next, [])),
    ];
  }

  private shared(a: KeyPair, b: KeyPair): string {
    return presharedKeyOf(this.seed, a.publicKey, b.publicKey).reveal();
  }
}

export async function pushed(lab: Lab, request: PushRequest): Promise<Finished> {
  const finished = await push(lab, "apply", request);
  assert.equal(finished.code, 0, finished.stderr);
  return finished;
}

function text(lines: string[]): string {
  return [...lines, ""].join("\n");
}
