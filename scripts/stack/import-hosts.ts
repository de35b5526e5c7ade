/** Reads the interfaces of live hosts over SSH for an import. */
import type { Host } from "../../mesh/config/config";
import { parseHost } from "../../mesh/config/values";
import { compareFiles } from "../../mesh/import/compare";
import type { Source } from "../../mesh/import/nodes";
import { alternateName } from "../../mesh/plan/rotation";
import type { HostTarget } from "../../mesh/push-request";
import type { Problem, WgQuickFile } from "../../mesh/wg-quick/file";
import { parseWgQuick } from "../../mesh/wg-quick/parse";
import { log } from "../log";
import { readHostConfigs, type HostConfigs, type HostInterface } from "../push/read-configs";
import { Failure } from "./failure";
import { hostKeysFor } from "./known-hosts";

interface HostRead {
  /** Null: there is a problem instead. */
  source: Source | null;
  problems: Problem[];
}

/** `written` is a host as in the config's `host`; `name` is the interface, if it has several. */
export async function readHost(
  written: string,
  hostKey: string | undefined,
  name: string | undefined,
): Promise<HostRead> {
  const given = hostKey === undefined ? undefined : [hostKey];
  const hostKeys = (await hostKeysFor([written], given, log)) ?? [];
  const access = { node: written, targets: [targetOf(parseHost(written), hostKeys)] };
  const configs = await readHostConfigs({ ...access, sshPrivateKey: null });
  return sourceOf(configs, { host: written, hostKeys }, name);
}

/** The imported interface of a host. */
export function sourceOf(
  configs: HostConfigs,
  host: { host: string; hostKeys: string[] },
  name: string | undefined,
): HostRead {
  const found = chooseInterface(configs, name);
  if (!("name" in found)) return { source: null, problems: [{ ...found, at: host.host }] };
  return readInterface(found, configs.hostname, host);
}

function targetOf(host: Host, hostKeys: string[]): HostTarget {
  if (host.kind === "local") return host;
  if (host.kind === "via") {
    const remedy =
      "read it by an address of its own, and add this way to its host in the stack file";
    throw new Failure("a new stack has no relay to go through", remedy, 2);
  }
  const { user, address, port } = host;
  return { kind: "ssh", hop: { user, address, port, hostKeys, authority: null }, via: [] };
}

/** The one interface to import, or why there is none. */
function chooseInterface(
  { interfaces }: HostConfigs,
  name: string | undefined,
): HostInterface | Omit<Problem, "at"> {
  const seconds = interfaces.flatMap((one) => (one.owner === null ? [] : alternateName(one.name)));
  const found = interfaces.filter((one) => !seconds.includes(one.name));
  const names = found.map((one) => one.name).join(", ");
  const named = found.filter((one) => name === undefined || one.name === name);
  const [first, ...others] = named;
  if (first === undefined) {
    const message = name === undefined ? "has no WireGuard interface" : `has no ${name}`;
    return {
      message,
      remedy: names === "" ? "leave it out" : `choose one with --interface: ${names}`,
    };
  }
  if (others.length > 0)
    return { message: `has several interfaces: ${names}`, remedy: "choose one with --interface" };
  if (first.owner === null) return first;
  return {
    message: `${first.name} belongs to a stack of wireguard-mesh already: ${first.owner}`,
    remedy: "leave it out, or take it over: docs/secrets.md",
  };
}

function readInterface(
  { name, file, running }: HostInterface,
  hostname: string,
  host: { host: string; hostKeys: string[] },
): HostRead {
  const path = `${host.host}:/etc/wireguard/${name}.conf`;
  if (running === null) {
    const message = `${name} is down there, and a push takes over only an interface that runs`;
    const remedy = `bring it up there: wg-quick up ${name}`;
    return { source: null, problems: [{ at: host.host, message, remedy }] };
  }
  const live = parseWgQuick(running, `${host.host}: wg showconf ${name}`);
  const parsed =
    file === null
      ? { ...live, file: withDialledEndpoints(live.file) }
      : parseWgQuick(file, path, name);
  const label = hostname.split(".")[0] ?? "";
  const source = { file: parsed.file, name: label === "" ? null : label, interface: name, host };
  const differing = file === null ? [] : unsavedChanges(parsed.file, live.file);
  const unsaved = differing.map((difference) => ({
    at: path,
    message: `the running ${name} differs from its file: ${difference}`,
    remedy: `to keep what runs: wg-quick save ${name}; to keep the file: wg-quick down ${name}, then up`,
  }));
  return { source, problems: [...parsed.problems, ...unsaved] };
}

/** Ignores endpoints, which change with roaming, and MTU and DNS, which wg(8) does not show. */
function unsavedChanges(file: WgQuickFile, running: WgQuickFile): string[] {
  const same = { mtu: file.mtu, dns: file.dns, listenPort: file.listenPort ?? running.listenPort };
  const peers = running.peers.map((peer) => ({
    ...peer,
    endpoint: file.peers.find(({ publicKey }) => publicKey === peer.publicKey)?.endpoint ?? null,
  }));
  const saved = { ...file, listenPort: same.listenPort };
  const names = new Map(
    file.peers.flatMap(({ publicKey, name }) =>
      name === null ? [] : [[publicKey, name] as const],
    ),
  );
  return compareFiles(saved, { ...running, ...same, peers }, names, true);
}

/** Without a file, an endpoint may just be the peer's last address; only a peer with a keepalive counts as dialled. */
function withDialledEndpoints(file: WgQuickFile): WgQuickFile {
  const peers = file.peers.map((peer) =>
    peer.keepalive === 0 ? { ...peer, endpoint: null } : peer,
  );
  return { ...file, peers };
}
