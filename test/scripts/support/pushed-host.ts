/** What a host reports after a push with all its secrets was confirmed there. */
import { createHash } from "node:crypto";
import { decide } from "../../../mesh/host/decide";
import { pathsOf, unitLink } from "../../../mesh/host/paths";
import { prefixOf } from "../../../mesh/host/prefixes";
import { parseObservation, type Observation } from "../../../mesh/host/observation";
import { namesOf, wantedOf, type Wanted } from "../../../mesh/host/wanted";
import type { WantedInterface } from "../../../mesh/host/wanted-interface";
import { publicKeyOf } from "../../../mesh/keys";
import { watcherLines } from "../../../mesh/host/watched-keys";
import type { NodePlan, Plan } from "../../../mesh/plan/plan";
import type { PushRequest } from "../../../mesh/push-request";
import { renderPushRequest } from "../../../mesh/render/push-request";
import type { Keyring } from "../../../mesh/render/render";
import { BYPASS_MARK, TUNNEL_TABLE } from "../../../mesh/exit-routing";

export const OWNER = "wireguard-mesh/test";
export const NOW = 1_000_000;

/** Every handshake was `age` seconds ago; null: there was none. */
export function pushedHost(
  node: NodePlan,
  plan: Plan,
  keyring: Keyring,
  age: number | null,
): Observation {
  const request = JSON.parse(renderPushRequest(node, plan, keyring, OWNER).reveal()) as PushRequest;
  const wanted = wantedOf(request, "digest of the secret request", publicKeyOf);
  const paths = pathsOf(wanted.main.name);
  const before = hostOf(wanted, age);
  const decision = decide(observe(before, wanted), wanted, {
    token: "t",
    hostScript: { text: "", digest: "" },
  });
  if (decision.kind !== "change") throw new Error(JSON.stringify(decision));
  const { now, commit } = decision.change;
  for (const step of [...now, ...commit]) {
    if (step.do === "place") before.files.set(step.path, step.text.reveal());
    if (step.do === "enable") before.links.push(unitLink(step.unit));
  }
  // The host adds the digest of the file to the record.
  const digest = sha256(before.files.get(paths.live) ?? "");
  before.files.set(paths.confirmed, `${before.files.get(paths.confirmed) ?? ""}file ${digest}\n`);
  return observe(before, wanted);
}

/** A host that runs as wanted, and has no file but the owner mark. */
interface RunningHost {
  interfaces: WantedInterface[];
  age: number | null;
  /** Texts by path. */
  files: Map<string, string>;
  /** Links of units. */
  links: string[];
}

function hostOf(wanted: Wanted, age: number | null): RunningHost {
  const { main, second, owner, node, machine } = wanted;
  const paths = pathsOf(main.name);
  const watched = watcherLines(wanted).map((line) => `${line}\n`);
  return {
    interfaces: second === null ? [main] : [main, second],
    age,
    files: new Map([
      [paths.owner, `${owner}\n${node}\n${machine}\n`],
      ...(watched.length === 0 ? [] : [[`${paths.run}/rotation`, watched.join("")] as const]),
    ]),
    links: [],
  };
}

function observe(host: RunningHost, wanted: Wanted): Observation {
  const { files } = host;
  const linesOf = (path: string) => (files.get(path) ?? "").replace(/\n$/, "").split("\n");
  const grep = (path: string) => linesOf(path).map((line) => `${path}:${line}`);
  const paths = [...files.keys()];
  const configs = paths.filter((path) => path.endsWith(".conf") && path.startsWith("/etc/wire"));
  const records = paths.filter((path) => !configs.includes(path) && !path.endsWith("host.sh"));
  const sections = {
    host: [
      `now ${NOW}`,
      "init systemd",
      "tools wg wg-quick ip flock sha256sum awk timeout setsid ping nft",
      "ip full",
      "watcher running",
      "ticker running",
      ...host.links.map((link) => `link ${link}`),
    ],
    ip: ipLines(host),
    wg: host.interfaces.flatMap((one) => wireGuardLines(one, host.age)),
    kernel: [
      `/proc/sys/net/ipv4/ip_forward:${Number(wanted.forwarding.ipv4)}`,
      `/proc/sys/net/ipv6/conf/all/forwarding:${Number(wanted.forwarding.ipv6)}`,
      ...["all", "default"].map((it) => `/proc/sys/net/ipv6/conf/${it}/disable_ipv6:0`),
      `/proc/sys/net/ipv4/conf/all/src_valid_mark:${Number(wanted.main.sendsAll)}`,
      ...host.interfaces.map(({ name }) => `/sys/class/net/${name}/uevent:DEVTYPE=wireguard`),
    ],
    files: paths.map((path) => `${sha256(files.get(path) ?? "")}  ${path}`),
    records: records.flatMap(grep),
    config: configs.flatMap(grep).filter((line) => !/:(Private|Preshared)Key =/.test(line)),
    table: (wanted.filter ?? "").split("\n").slice(0, -1),
    names: namesOf(wanted).map((name) => `${name} ${ADDRESS_OF_NAMES}`),
    "own-keys": host.interfaces.map(({ publicKey }) => publicKey),
  };
  return parseObservation(new Map(Object.entries(sections)), wanted.main.name);
}

/** All names resolve to it. */
export const ADDRESS_OF_NAMES = "192.0.2.77";

function ipLines({ interfaces }: RunningHost): string[] {
  const links = interfaces.map(({ name, mtu }) => ({
    ...{ ifname: name, flags: ["UP"], mtu: mtu ?? 1420, link_type: "none" },
  }));
  const addresses = interfaces.map(({ name, addresses: all }) => ({
    ifname: name,
    addr_info: all.map((address) => {
      const [local = "", length = ""] = address.split("/");
      return { local, prefixlen: Number(length), scope: "global" };
    }),
  }));
  const routes = interfaces
    .filter(({ routed }) => routed)
    .flatMap(({ name, addresses, peers, sendsAll }) => {
      const connected = addresses.map((address) => ({
        ...{ dst: prefixOf(address)?.text, dev: name, protocol: "kernel" },
      }));
      const prefixes = new Set(peers.flatMap(({ allowedIps }) => allowedIps));
      if (sendsAll) prefixes.add("::/0");
      const tunnel = [...prefixes].map((dst) => ({
        ...{ dst, dev: name },
        ...(sendsAll ? { table: TUNNEL_TABLE } : {}),
      }));
      return [...connected, ...tunnel];
    });
  const rule = interfaces.length > 1 ? [{ priority: 5182, src: "all", table: "5182" }] : [];
  const fullTunnel = [
    { priority: 32764, src: "all", table: "main", suppress_prefixlen: 0 },
    { priority: 32765, not: null, src: "all", fwmark: BYPASS_MARK, table: TUNNEL_TABLE },
  ];
  const rules = [
    { priority: 0, src: "all", table: "local" },
    ...rule,
    ...(interfaces.some(({ sendsAll }) => sendsAll) ? fullTunnel : []),
  ];
  return [links, addresses, routes, rules, rules].map((entries) => JSON.stringify(entries));
}

function wireGuardLines(
  { name, publicKey, listenPort, peers, sendsAll }: WantedInterface,
  age: number | null,
) {
  const handshake = age === null ? 0 : NOW - age;
  return [
    [name, publicKey, listenPort ?? 40_000, sendsAll ? BYPASS_MARK : "off"],
    ...peers.map((peer) => [
      name,
      peer.publicKey,
      // The host compares it with its file.
      peer.presharedKey === null ? "none" : "same",
      numeric(peer.endpoint),
      peer.allowedIps.join(",") || "(none)",
      handshake,
      ...[2048, 10],
      peer.keepalive || "off",
    ]),
  ].map((columns) => columns.join("\t"));
}

function numeric(endpoint: WantedInterface["peers"][number]["endpoint"]): string {
  if (endpoint === null) return "(none)";
  return endpoint.isName ? `${ADDRESS_OF_NAMES}:${endpoint.port}` : endpoint.text;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
