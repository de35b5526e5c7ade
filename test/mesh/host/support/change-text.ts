/** Runs the text of a change on a model host, as the host's program would. */
import { ownKey } from "./host-keys";
import { beginTasks } from "./rounds";
import { ipLine } from "./ip-line";
import { nftLoad } from "./nft-load";
import { sectionsIn } from "./wg-sections";
import { routeOf } from "./packet-route";
import { dnsStep, writeHosts } from "./hosts-file";
import {
  createWireGuard,
  deleteLink,
  deviceOf,
  giveAllowedIps,
  hasTwins,
  KernelError,
  newPeer,
  sha256,
  type Host,
  type Peer,
} from "./host";

export type ChangeText = Map<string, string[]>;

/** The pieces of a change by name. */
export function parseChange(text: string): ChangeText {
  const pieces: ChangeText = new Map();
  let lines: string[] = [];
  for (const line of text.replace(/\n$/, "").split("\n")) {
    if (line.startsWith("@ ")) pieces.set(line.slice(2), (lines = []));
    else if (line.startsWith(" ")) lines.push(line.slice(1));
    else throw new Error(`not a line of a change: ${line}`);
  }
  return pieces;
}

/** One change that runs on a host. It keeps the keys from before its first step. */
export class ChangeRun {
  readonly #before: Host;
  /** As an older version may have left two. */
  readonly #hadTwins: boolean;

  constructor(
    readonly host: Host,
    readonly change: ChangeText,
  ) {
    this.#before = structuredClone(host);
    this.#hadTwins = hasTwins(host);
  }

  steps(name: "now" | "apply" | "undo" | "commit"): string[] {
    return this.change.get(name) ?? [];
  }

  /** Runs steps in order; throws a KernelError where one fails. */
  run(name: "now" | "apply" | "undo" | "commit", count = Infinity): void {
    for (const step of this.steps(name).slice(0, count)) this.step(step, name === "undo");
  }

  step(text: string, isUndo = false): void {
    const [what = "", ...words] = text.split(" ");
    const [one = "", two = "", three = "", four = ""] = words;
    switch (what) {
      case "link": {
        createWireGuard(this.host, one);
        return;
      }
      case "unlink": {
        deleteLink(this.host, one);
        return;
      }
      case "wg": {
        this.#addconf(one, this.#piece(two));
        return;
      }
      // wg(8): set INTERFACE peer KEY remove …
      case "set":
        for (const key of words.filter((word) => word.length === 44)) {
          deviceOf(this.host, one).peers.delete(key);
        }
        return;
      case "ip":
      case "ip6": {
        this.#batch(this.#piece(one), what === "ip6" ? 6 : 4, isUndo);
        return;
      }
      case "nft": {
        nftLoad(this.host, this.#piece(one));
        return;
      }
      case "sysctl": {
        this.#sysctl(one, two);
        return;
      }
      case "shake": {
        this.#shake(one, three, four);
        return;
      }
      case "roam":
        Object.assign(deviceOf(this.host, one).peers.get(three) ?? {}, { endpoint: four });
        return;
      case "reach": {
        if (!this.host.beyond.has(one) || routeOf(this.host, one, null) !== "wg0")
          throw new KernelError(`no answer from ${one} through the exit`);
        return;
      }
      case "watch":
        this.#watch(one === "-" ? null : this.#piece(one));
        return;
      case "leave": {
        const { peers } = deviceOf(this.host, one);
        if ((peers.get(two)?.handshake ?? 0) > 0) peers.delete(three);
        return;
      }
      case "ping":
      case "keep":
        return;
      case "place": {
        this.#place(three, this.#piece(one));
        return;
      }
      case "delete":
        this.host.files.delete(one);
        return;
      case "hosts":
        writeHosts(this.host);
        return;
      case "dns":
        dnsStep(this.host, one);
        return;
      case "enable":
        this.host.bootLinks.add(`/etc/systemd/system/multi-user.target.wants/${one}`);
        return;
      case "disable":
        this.host.bootLinks.delete(`/etc/systemd/system/multi-user.target.wants/${one}`);
        return;
      case "openrc":
        if (one === "add") this.host.bootLinks.add(`/etc/runlevels/default/${two}`);
        return;
      case "tasks":
        beginTasks(this.host);
        return;
      case "forget-keys":
        return;
      default:
        throw new Error(`unknown step: ${text}`);
    }
  }

  /** The number of parts of a step that take effect one after the other: lines for ip, sections for wg. */
  partsOf(at: number): number {
    const [what, lines] = this.#data(at);
    return what === "wg" ? sectionsIn(lines).length : what.startsWith("ip") ? lines.length : 0;
  }

  /** Runs the first parts of a step of `apply`, as if it failed then. */
  runPart(at: number, count: number): void {
    const [what, lines, name] = this.#data(at);
    if (what === "wg") this.#addconf(name, sectionsIn(lines).slice(0, count).flat());
    else this.#batch(lines.slice(0, count), what === "ip6" ? 6 : 4, false);
  }

  #data(at: number): [string, string[], string] {
    const [what = "", one = "", two = ""] = (this.steps("apply")[at] ?? "").split(" ");
    return [what, this.change.get(what === "wg" ? two : one) ?? [], one];
  }

  #piece(name: string): string[] {
    const lines = this.change.get(name);
    if (lines === undefined || !/^\d+$/.test(name)) throw new Error(`no piece ${name}`);
    return lines;
  }

  #batch(lines: readonly string[], family: 4 | 6, isUndo: boolean): void {
    for (const line of lines) {
      try {
        ipLine(this.host, line, family);
      } catch (error) {
        if (!(isUndo && error instanceof KernelError && error.alreadySo)) throw error;
      }
    }
  }

  /** wg(8), addconf; config.c. */
  #addconf(name: string, lines: readonly string[]): void {
    const device = deviceOf(this.host, name);
    let section = "";
    let peer: Peer | undefined;
    let key = "";
    for (const line of lines) {
      if (line === "[Interface]" || line === "[Peer]") {
        section = line;
        continue;
      }
      const [, setting = "", value = ""] = /^(\w+) = (.+)$/.exec(line) ?? [];
      if (section === "[Interface]" && setting === "PrivateKey") {
        device.privateKey = this.#privateKey(name, value);
      } else if (section === "[Interface]" && setting === "ListenPort") {
        this.#listen(name, Number(value));
      } else if (section === "[Interface]" && setting === "FwMark") {
        device.mark = value === "off" ? null : value;
      } else if (section === "[Peer]" && setting === "PublicKey") {
        key = value;
        peer = device.peers.get(key) ?? newPeer();
        device.peers.set(key, peer);
        // WGPEER_REPLACE_ALLOWEDIPS is set for every peer that is named.
        peer.allowedIps.clear();
      } else if (peer !== undefined && section === "[Peer]") {
        if (setting === "AllowedIPs") giveAllowedIps(device, key, value.split(", "));
        else if (setting === "PresharedKey")
          peer.presharedKey = this.#presharedKey(name, key, value);
        else if (setting === "PersistentKeepalive") peer.keepalive = Number(value);
        else if (setting === "Endpoint") peer.endpoint = numeric(value);
        else throw new KernelError(`Line unrecognized: \`${line}'`);
      } else {
        throw new KernelError(`Line unrecognized: \`${line}'`);
      }
    }
    this.#refuseTwins();
  }

  #privateKey(name: string, text: string): string | null {
    if (text === NO_KEY) return null;
    if (text === `(now) ${name}`) return deviceOf(this.#before, name).privateKey;
    const [, publicKey] = /^\(on this host\) (.+)$/.exec(text) ?? [];
    return publicKey === undefined ? text : ownKey(this.host, publicKey);
  }

  #presharedKey(name: string, key: string, text: string): string | null {
    if (text === NO_KEY) return null;
    if (text !== `(now) ${name} ${key}`) return text;
    const before = deviceOf(this.#before, name).peers.get(key)?.presharedKey ?? null;
    if (before === null) throw new Error("(now) for a key that was not there");
    return before;
  }

  #listen(name: string, port: number): void {
    for (const [other, { wg }] of this.host.links) {
      if (other !== name && wg?.port === port) throw new KernelError("Address already in use");
    }
    deviceOf(this.host, name).port = port;
  }

  /** Peers would roam between two interfaces with one key. */
  #refuseTwins(): void {
    if (!this.#hadTwins && hasTwins(this.host)) {
      throw new Error("two interfaces with one private key");
    }
  }

  #sysctl(key: string, value: string): void {
    if (!this.host.sysctls.has(key)) throw new KernelError(`cannot stat /proc/sys/${key}`);
    this.host.sysctls.set(key, value);
    const keepsRa = (dev: string) =>
      this.host.sysctls.get(`net/ipv6/conf/${dev}/accept_ra`) === "2";
    if (key !== "net/ipv6/conf/all/forwarding" || value === "0") return;
    this.host.routes = this.host.routes.filter(
      ({ proto, dev }) => proto !== "ra" || dev === null || keepsRa(dev),
    );
  }

  #shake(name: string, key: string, endpoint: string): void {
    const peer = deviceOf(this.host, name).peers.get(key);
    const dialled = endpoint === "-" || peer?.endpoint === endpoint;
    if (peer === undefined || !dialled || !this.host.answering.has(key))
      throw new KernelError("no handshake");
    if (peer.handshake !== 0) throw new Error("a handshake from before is taken for a new one");
    peer.handshake = this.host.now;
  }

  #watch(lines: readonly string[] | null): void {
    const run = "/run/wireguard-mesh/wg0";
    this.host.files.delete(`${run}/keys`);
    this.host.files.delete(`${run}/rotation`);
    this.host.watcherRuns = lines !== null;
    if (lines !== null) this.host.files.set(`${run}/rotation`, `${lines.join("\n")}\n`);
  }

  #place(path: string, lines: readonly string[]): void {
    const filled = lines.map((line) => {
      const [, publicKey] = /^PrivateKey = \(on this host\) (.+)$/.exec(line) ?? [];
      if (publicKey !== undefined) return `PrivateKey = ${ownKey(this.host, publicKey)}`;
      const [, name = "", key = ""] = /^PresharedKey = \(now\) (\S+) (\S+)$/.exec(line) ?? [];
      const shared = `(now) ${name} ${key}`;
      return key === "" ? line : `PresharedKey = ${this.#presharedKey(name, key, shared) ?? ""}`;
    });
    const live = this.host.files.get("/etc/wireguard/wg0.conf") ?? "";
    // The commit places the live file first, and completes the record by its digest.
    const digest = path.endsWith("/confirmed") ? [`file ${sha256(live)}`] : [];
    this.host.files.set(path, [...filled, ...digest].map((line) => `${line}\n`).join(""));
  }
}

const NO_KEY = `${"A".repeat(43)}=`;

function numeric(endpoint: string): string {
  if (!/^(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]):\d+$/.test(endpoint)) {
    throw new Error(`an endpoint that needs a resolver: ${endpoint}`);
  }
  return endpoint;
}
