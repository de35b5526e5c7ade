/** ssh_config(5) text with the hosts of a network and their pinned keys, for the user's own ssh, scp, rsync and editors. */
import type { NodePlan } from "../../mesh/plan/plan";
import type { HostTarget, SshHop } from "../../mesh/push-request";
import { hostKeyAlgorithms, pinLines } from "../push/ssh-options";

/** The first line of every generated file. */
export const MARK = "# wireguard-mesh ssh-config";

/** A node with its SSH targets, from interactiveAccess. */
export interface ReachableNode {
  node: NodePlan;
  targets: HostTarget[];
}

export interface ConfigOptions {
  /** `PROJECT/STACK`. */
  owner: string;
  /** Prepended to each name. */
  prefix: string;
  /** The domain of the nodes' names; null without one. */
  domain: string | null;
  /** The user's own key; null: ssh chooses. */
  identity: string | null;
  /** The file for the pinned keys; null: they are in the config itself, in a KnownHostsCommand (OpenSSH 8.5). */
  knownHostsFile: string | null;
  /** Whether this machine is in the network, and can log in through the tunnel. */
  isInside: boolean;
}

export interface SshConfig {
  hosts: string[];
  config: string;
  knownHosts: string;
}

/** Leaves out nodes without an SSH target. */
export function sshConfig(nodes: readonly ReachableNode[], options: ConfigOptions): SshConfig {
  const entries = nodes.flatMap((one) => entryOf(one, nodes, options));
  const head = [
    MARK,
    `# The hosts of ${options.owner}. Run wireguard-mesh ssh-config again when their addresses or keys have changed.`,
  ];
  return {
    hosts: entries.map(({ name }) => name),
    config: [head, ...entries.map(({ lines }) => lines)].map(block).join("\n"),
    knownHosts: block(entries.flatMap(({ pins }) => pins)),
  };
}

interface Entry {
  name: string;
  lines: string[];
  pins: string[];
}

function entryOf(
  { node, targets }: ReachableNode,
  nodes: readonly ReachableNode[],
  options: ConfigOptions,
): Entry[] {
  const ways = usableTargets(node, targets, options.isInside);
  const last = ways.at(-1);
  if (last === undefined) return [];
  const name = options.prefix + node.name;
  const names = [name, ...(options.domain === null ? [] : [`${name}.${options.domain}`])];
  const alias = last.hop.authority?.principal ?? `wireguard-mesh-${node.name}`;
  const pins = pinLines(last.hop, alias);
  const jumps = ({ via }: Way): string => jumpNames(via, nodes, options.prefix);
  // `Match host` fails once a block has set HostName, so the targets after the first working one are not tried.
  const targetBlocks = ways
    .slice(0, -1)
    .flatMap((way) => [
      `Match originalhost ${names.join()} host ${names.join()} exec "${probe(way.hop)}"`,
      ...indent([...placeLines(way.hop), `ProxyJump ${jumps(way)}`]),
    ]);
  const lines = [
    ...placeLines(last.hop),
    `ProxyJump ${jumps(last)}`,
    `HostKeyAlias ${alias}`,
    `HostKeyAlgorithms ${hostKeyAlgorithms(last.hop).join(",")}`,
    ...trustLines(pins, options.knownHostsFile),
    ...identityLines(options.identity),
  ];
  return [{ name, lines: [...targetBlocks, `Host ${names.join(" ")}`, ...indent(lines)], pins }];
}

type Way = Extract<HostTarget, { kind: "ssh" }>;

/** The targets up to the first one with a jump host. That one is used without a test, because a test would be a login. */
function usableTargets(node: NodePlan, targets: HostTarget[], isInside: boolean): Way[] {
  const ways = targets.flatMap((target) =>
    target.kind === "ssh" && (isInside || !isTunnel(target, node)) ? [target] : [],
  );
  const jump = ways.findIndex(({ via }) => via.length > 0);
  return jump === -1 ? ways : ways.slice(0, jump + 1);
}

function isTunnel({ hop, via }: Way, node: NodePlan): boolean {
  return via.length === 0 && hop.address === node.address.text;
}

/** The jump relays, by the names of their own entries. */
function jumpNames(via: SshHop[], nodes: readonly ReachableNode[], prefix: string): string {
  const names = via.flatMap((jump) => {
    const relay = nodes.find(({ targets }) =>
      targets.some((target) => target.kind === "ssh" && sameMachine(target.hop, jump)),
    );
    return relay === undefined ? [] : [prefix + relay.node.name];
  });
  return names.length === 0 ? "none" : names.join();
}

function sameMachine(a: SshHop, b: SshHop): boolean {
  return a.address === b.address && a.port === b.port;
}

function placeLines({ address, user, port }: SshHop): string[] {
  return [`HostName ${address}`, `User ${user}`, `Port ${port}`];
}

const SCAN_S = 2;

/** Tests whether the right machine answers. `sh`, because the user's shell may have another syntax. */
function probe({ address, port, hostKeys, authority }: SshHop): string {
  const [type = "", key = ""] = (hostKeys[0] ?? "").split(" ");
  const kind = type.startsWith("ecdsa") ? "ecdsa" : type.replace(/^ssh-/, "");
  const [ask, shown] = authority === null ? [`-t ${kind} `, key] : ["", "ssh"];
  return `sh -c 'ssh-keyscan -T ${SCAN_S} -p ${port} ${ask}${address} 2>/dev/null | grep -qF ${shown}'`;
}

function trustLines(pins: string[], file: string | null): string[] {
  const echoes = pins.map((line) => `echo '${line}'`).join("; ");
  return [
    `UserKnownHostsFile ${file === null ? "/dev/null" : quoted(file)}`,
    ...(file === null ? [`KnownHostsCommand /bin/sh -c "${echoes}"`] : []),
    "GlobalKnownHostsFile /dev/null",
    "StrictHostKeyChecking yes",
    "UpdateHostKeys no",
    "CheckHostIP no",
    "VerifyHostKeyDNS no",
    "NoHostAuthenticationForLocalhost no",
  ];
}

function identityLines(identity: string | null): string[] {
  return identity === null ? [] : [`IdentityFile ${quoted(identity)}`, "IdentitiesOnly yes"];
}

/** A path for ssh_config, with `%` escaped. */
function quoted(path: string): string {
  const plain = path.replaceAll("%", "%%");
  return plain.includes(" ") ? `"${plain}"` : plain;
}

function indent(lines: string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function block(lines: string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
