/** A network with keys that change, pushed host by host by the push program itself: files as the program renders them. */
import * as assert from "node:assert/strict";
import { presharedKeyOf } from "../../../mesh/keys";
import type { HostTarget, PushRequest, RotationTask } from "../../../mesh/push-request";
import { Secret } from "../../../mesh/secret";
import type { Lab } from "../../../scripts/lab/lab";
import type { CommandResult } from "../../../scripts/lab/process";
import type { World } from "../../../scripts/lab/world";
import { LeakWatch } from "./leak-watch";
import { hop, managed, newKey, push, PUSH_WORLD, requestFor } from "./pushing";
import { addKey, addKeyText, addLinkKeys, type SecretForms } from "./stack-secrets";

export const RELAY = "203.0.113.10";
export const PORT = 51820;
export const ROTATION_PORT = 51821;
export const SECOND = "wg0-next";

/** With two machines that nobody pushes to: they play phones, and are handed their configs. */
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

type KeyPair = ReturnType<typeof newKey>;

/** One node's keys: the one that it is, and where both are known, the other. */
export interface Keys {
  current: KeyPair;
  next?: KeyPair;
}

/** The key of the relay that a peer is told, and where. */
export interface Way {
  key: KeyPair;
  port: number;
}

export class RotatingNetwork {
  private readonly keys = new Map(
    Object.keys(ADDRESSES).map((node): [string, Keys] => [node, { current: newKey() }]),
  );
  /** What the relay serves on its rotation port; null: nothing. */
  second: KeyPair | null = null;
  private readonly seed = newKey().privateKey;
  private readonly given: [string, KeyPair][] = [];

  constructor(readonly lab: Lab) {
    for (const [node, { current }] of this.keys) this.given.push([node, current]);
  }

  keysOf(node: string): Keys {
    const keys = this.keys.get(node);
    assert.ok(keys, node);
    return keys;
  }

  /** Every secret that this network has had, for the search for leaks. */
  watchLeaks(): Promise<LeakWatch> {
    const secrets = () => {
      const forms: SecretForms = new Map();
      for (const [node, { privateKey }] of this.given) {
        addKey(forms, `private key of ${node}`, privateKey);
      }
      const publicKeys = this.given.map(([, { publicKey }]) => publicKey);
      addLinkKeys(forms, this.seed, publicKeys);
      addKeyText(forms, "SSH private key", this.lab.sshPrivateKey());
      return Promise.resolve(forms);
    };
    return LeakWatch.over({ lab: this.lab, secrets });
  }

  /** A new next key. */
  stage(node: string): KeyPair {
    const next = newKey();
    this.given.push([node, next]);
    this.keys.set(node, { current: this.keysOf(node).current, next });
    if (node === "relay") this.second = next;
    return next;
  }

  /** The next key becomes the current one. A relay's second interface stays. */
  finish(node: string): void {
    const { current, next } = this.keysOf(node);
    this.keys.set(node, { current: next ?? current });
  }

  relay(): PushRequest {
    const peers = [...this.keys.keys()].filter((node) => node !== "relay");
    const pairs = peers.flatMap((node) => {
      const { current, next } = this.keysOf(node);
      if (next === undefined) return [];
      const allowedIps = [`${ADDRESSES[node] ?? ""}/32`];
      return [{ current: current.publicKey, next: next.publicKey, allowedIps }];
    });
    const serve = (own: KeyPair, settings: string[]): string =>
      textOf([
        ...["[Interface]", `PrivateKey = ${own.privateKey}`, ...settings],
        ...peers.flatMap((node) => this.sectionsOf(node, own)),
      ]);
    const first = [`Address = ${ADDRESSES["relay"] ?? ""}/24`, `ListenPort = ${PORT}`];
    const alternate =
      this.second === null
        ? null
        : {
            interface: SECOND,
            config: serve(this.second, [`ListenPort = ${ROTATION_PORT}`, "Table = off"]),
          };
    const rotation: RotationTask = { pairs, alternate, mustShake: [] };
    return requestFor(this.lab, "relay", {
      config: serve(this.keysOf("relay").current, first),
      rotation: pairs.length === 0 && alternate === null ? null : rotation,
      forwarding: { ipv4: true, ipv6: false },
    });
  }

  /** A relay's newest key, on the port where that is served. */
  get way(): Way {
    const { current, next } = this.keysOf("relay");
    return next === undefined ? { key: current, port: PORT } : { key: next, port: ROTATION_PORT };
  }

  /** With the peer's newest key; by the management network unless it is told otherwise. */
  peer(node: string, ways: HostTarget[] = [managed(this.lab, node)]): PushRequest {
    return requestFor(this.lab, node, {
      config: this.fileOf(node),
      probes: ["10.0.0.1"],
      targets: ways,
      rotation: { pairs: [], alternate: null, mustShake: [this.way.key.publicKey] },
    });
  }

  /** A peer's file: with its newest key, unless it is told another. */
  fileOf(node: string, { key, port } = this.way, own = this.newestOf(node)): string {
    return textOf([
      ...["[Interface]", `PrivateKey = ${own.privateKey}`, `Address = ${ADDRESSES[node] ?? ""}/24`],
      ...["", "# relay", "[Peer]", `PublicKey = ${key.publicKey}`],
      `PresharedKey = ${this.shared(own, key)}`,
      ...["AllowedIPs = 10.0.0.0/24", `Endpoint = ${RELAY}:${port}`, "PersistentKeepalive = 5"],
    ]);
  }

  /** As somebody sets up a phone: no push, no script of ours. */
  async handOver(node: string): Promise<void> {
    const up = `${wgQuick("down")}; ${wgQuick("up")}`;
    const script = `umask 077; cat >/etc/wireguard/wg0.conf; (${up}) >/dev/null 2>&1`;
    const input = this.fileOf(node);
    const done = await this.lab.exec(node, ["sh", "-c", script], { input });
    assert.equal(done.code, 0, done.stderr);
  }

  /** The only way: the tunnel address, through the relay. */
  tunnel(node: string): HostTarget[] {
    const via = [hop(this.lab, "relay", RELAY)];
    return [{ kind: "ssh", hop: hop(this.lab, node, ADDRESSES[node] ?? ""), via }];
  }

  private newestOf(node: string): KeyPair {
    const { current, next } = this.keysOf(node);
    return next ?? current;
  }

  private sectionsOf(node: string, own: KeyPair): string[] {
    const { current, next } = this.keysOf(node);
    const section = (name: string, key: KeyPair, more: string[]) => [
      ...["", `# ${name}`, "[Peer]", `PublicKey = ${key.publicKey}`],
      ...[`PresharedKey = ${this.shared(own, key)}`, ...more],
    ];
    const allowed = [`AllowedIPs = ${ADDRESSES[node] ?? ""}/32`];
    return [
      ...section(node, current, allowed),
      ...(next === undefined ? [] : section(`${node} (next key)`, next, [])),
    ];
  }

  private shared(a: KeyPair, b: KeyPair): string {
    return presharedKeyOf(Secret.of(this.seed), a.publicKey, b.publicKey).reveal();
  }
}

/** Pushes, and fails where that fails. @returns `applied` or `unchanged`. */
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
  leaks.read(`output of a push to ${request.node}`, finished.stdout + finished.stderr);
  return finished;
}

/** By hand, on a host without a kernel's WireGuard too. */
export function wgQuick(verb: "up" | "down"): string {
  return `WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1 wg-quick ${verb} wg0`;
}

function textOf(lines: string[]): string {
  return [...lines, ""].join("\n");
}
