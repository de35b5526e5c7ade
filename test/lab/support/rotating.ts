/** A network whose keys rotate, pushed host by host with the push program; configs as the Pulumi program renders them. */
import * as assert from "node:assert/strict";
import { presharedKeyOf } from "../../../mesh/keys";
import type { HostTarget, PushRequest, RotationTask } from "../../../mesh/push-request";
import { Secret } from "../../../mesh/secret";
import type { Lab } from "../../../scripts/lab/lab";
import type { CommandResult } from "../../../scripts/lab/process";
import type { World } from "../../../scripts/lab/world";
import { LeakWatch } from "./leak-watch";
import { newKeyPair, type PlainKeyPair } from "../../support/key-pairs";
import { hop, managed, push, PUSH_WORLD, requestFor } from "./pushing";
import { addKey, addKeyText, addLinkKeys, type SecretForms } from "./stack-secrets";

export const RELAY = "203.0.113.10";
export const PORT = 51820;
export const ROTATION_PORT = 51821;
export const ROTATION_INTERFACE = "wg0-next";

/** With two machines that are configured by hand, like phones. */
export const ROTATING_WORLD: World = {
  ...PUSH_WORLD,
  hosts: {
    ...PUSH_WORLD.hosts,
    early: { public: "203.0.113.31" },
    late: { public: "203.0.113.32" },
  },
};

export const ADDRESSES: Record<string, string> = {
  relay: "10.0.0.1",
  desktop: "10.0.0.2",
  laptop: "10.0.0.3",
  early: "10.0.0.4",
  late: "10.0.0.5",
};

/** A node's current key and, during a rotation, its next key. */
export interface NodeKeys {
  current: PlainKeyPair;
  next?: PlainKeyPair;
}

/** The relay's key and port in a peer's config. */
export interface RelayAccess {
  key: PlainKeyPair;
  port: number;
}

export class RotatingNetwork {
  private readonly keys = new Map(
    Object.keys(ADDRESSES).map((node): [string, NodeKeys] => [node, { current: newKeyPair() }]),
  );
  /** The relay's listen port, and the port that its next key gets. */
  private ports = { own: PORT, other: ROTATION_PORT };
  private readonly seed = newKeyPair().privateKey;
  private readonly allKeys: [string, PlainKeyPair][] = [];

  constructor(readonly lab: Lab) {
    for (const [node, { current }] of this.keys) this.allKeys.push([node, current]);
  }

  nodeKeys(node: string): NodeKeys {
    const keys = this.keys.get(node);
    assert.ok(keys, node);
    return keys;
  }

  /** Watches for all secrets that this network has ever had. */
  watchLeaks(): Promise<LeakWatch> {
    const secrets = () => {
      const forms: SecretForms = new Map();
      for (const [node, { privateKey }] of this.allKeys) {
        addKey(forms, `private key of ${node}`, privateKey);
      }
      const publicKeys = this.allKeys.map(([, { publicKey }]) => publicKey);
      addLinkKeys(forms, this.seed, publicKeys);
      addKeyText(forms, "SSH private key", this.lab.sshPrivateKey());
      return Promise.resolve(forms);
    };
    return LeakWatch.create({ lab: this.lab, secrets });
  }

  /** Gives a node a next key. */
  stage(node: string): PlainKeyPair {
    const next = newKeyPair();
    this.allKeys.push([node, next]);
    this.keys.set(node, { current: this.nodeKeys(node).current, next });
    return next;
  }

  /** Makes the next key the current one. The relay's brings its port along. */
  finish(node: string): void {
    const { current, next } = this.nodeKeys(node);
    this.keys.set(node, { current: next ?? current });
    const { own, other } = this.ports;
    if (node === "relay") this.ports = { own: other, other: own };
  }

  relay(): PushRequest {
    const peers = [...this.keys.keys()].filter((node) => node !== "relay");
    const pairs = peers.flatMap((node) => {
      const { current, next } = this.nodeKeys(node);
      if (next === undefined) return [];
      const allowedIps = [`${ADDRESSES[node] ?? ""}/32`];
      return [{ current: current.publicKey, next: next.publicKey, allowedIps }];
    });
    const configWith = (own: PlainKeyPair, settings: string[]): string =>
      textOf([
        ...["[Interface]", `PrivateKey = ${own.privateKey}`, ...settings],
        ...peers.flatMap((node) => this.sectionsOf(node, own)),
      ]);
    const first = [`Address = ${ADDRESSES["relay"] ?? ""}/24`, `ListenPort = ${this.ports.own}`];
    const { next } = this.nodeKeys("relay");
    const alternate =
      next === undefined
        ? null
        : {
            interface: ROTATION_INTERFACE,
            config: configWith(next, [`ListenPort = ${this.ports.other}`, "Table = off"]),
          };
    const rotation: RotationTask = { pairs, alternate, mustShake: [] };
    return requestFor(this.lab, "relay", {
      config: configWith(this.nodeKeys("relay").current, first),
      rotation: pairs.length === 0 && alternate === null ? null : rotation,
      forwarding: { ipv4: true, ipv6: false },
    });
  }

  /** The relay's newest key and its port. */
  get relayAccess(): RelayAccess {
    const { current, next } = this.nodeKeys("relay");
    const { own, other } = this.ports;
    return next === undefined ? { key: current, port: own } : { key: next, port: other };
  }

  /** The request for a peer, with its newest key; by default through the management network. */
  peer(node: string, targets: HostTarget[] = [managed(this.lab, node)]): PushRequest {
    return requestFor(this.lab, node, {
      config: this.fileOf(node),
      probes: ["10.0.0.1"],
      targets,
      rotation: { pairs: [], alternate: null, mustShake: [this.relayAccess.key.publicKey] },
    });
  }

  /** A peer's wg-quick file, by default with its newest key. */
  fileOf(node: string, { key, port } = this.relayAccess, own = this.newestOf(node)): string {
    return textOf([
      ...["[Interface]", `PrivateKey = ${own.privateKey}`, `Address = ${ADDRESSES[node] ?? ""}/24`],
      ...["", "# relay", "[Peer]", `PublicKey = ${key.publicKey}`],
      `PresharedKey = ${this.presharedKey(own, key)}`,
      ...["AllowedIPs = 10.0.0.0/24", `Endpoint = ${RELAY}:${port}`, "PersistentKeepalive = 5"],
    ]);
  }

  /** Configures a node by hand, like a phone: without a push. */
  async configureByHand(node: string): Promise<void> {
    const up = `${wgQuick("down")}; ${wgQuick("up")}`;
    const script = `umask 077; cat >/etc/wireguard/wg0.conf; (${up}) >/dev/null 2>&1`;
    const input = this.fileOf(node);
    const done = await this.lab.exec(node, ["sh", "-c", script], { input });
    assert.equal(done.code, 0, done.stderr);
  }

  /** The tunnel address through the relay, as the only target. */
  tunnel(node: string): HostTarget[] {
    const via = [hop(this.lab, "relay", RELAY)];
    return [{ kind: "ssh", hop: hop(this.lab, node, ADDRESSES[node] ?? ""), via }];
  }

  private newestOf(node: string): PlainKeyPair {
    const { current, next } = this.nodeKeys(node);
    return next ?? current;
  }

  private sectionsOf(node: string, own: PlainKeyPair): string[] {
    const { current, next } = this.nodeKeys(node);
    const section = (name: string, key: PlainKeyPair, more: string[]) => [
      ...["", `# ${name}`, "[Peer]", `PublicKey = ${key.publicKey}`],
      ...[`PresharedKey = ${this.presharedKey(own, key)}`, ...more],
    ];
    const allowed = [`AllowedIPs = ${ADDRESSES[node] ?? ""}/32`];
    return [
      ...section(node, current, allowed),
      ...(next === undefined ? [] : section(`${node} (next key)`, next, [])),
    ];
  }

  private presharedKey(a: PlainKeyPair, b: PlainKeyPair): string {
    return presharedKeyOf(Secret.of(this.seed), a.publicKey, b.publicKey).reveal();
  }
}

/** Pushes and asserts success. @returns `applied` or `unchanged` */
export async function pushed(lab: Lab, request: PushRequest, leaks: LeakWatch): Promise<string> {
  const finished = await tried(lab, request, leaks);
  assert.equal(finished.code, 0, finished.stderr);
  return (JSON.parse(finished.stdout) as { outcome: string }).outcome;
}

export async function tried(
  lab: Lab,
  request: PushRequest,
  leaks: LeakWatch,
): Promise<CommandResult> {
  const finished = await push(lab, "apply", request);
  leaks.add(`output of a push to ${request.node}`, finished.stdout + finished.stderr);
  return finished;
}

/** Runs wg-quick by hand, with wireguard-go if the kernel has no WireGuard. */
export function wgQuick(verb: "up" | "down"): string {
  return `WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1 wg-quick ${verb} wg0`;
}

function textOf(lines: string[]): string {
  return [...lines, ""].join("\n");
}
