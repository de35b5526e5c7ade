/**
 * Checks whether the host's own packet filter blocks the tunnel: a drop there wins over an accept in this program's table. It is
 * never changed.
 */
import { filterTable } from "../filter-table";
import { commandThatOpens, toolFor, type Blocked, type Tool } from "./firewall-commands";
import { parseIptablesSave } from "./packet-filter/iptables-save";
import { parseNft } from "./packet-filter/nft-ruleset";
import type { Table } from "./packet-filter/rules";
import { spanOf, type Packet } from "./packet-filter/match";
import { blockingChains, type Blocking, type Budget } from "./packet-filter/walk";

/** What a host's programs print, as lines. Empty where there is no such program. */
export interface FilterOutput {
  /** `nft list ruleset`. */
  nft: readonly string[];
  /** `iptables-save -t filter`. */
  iptables: readonly string[];
}

/** What the tunnel needs from the host. */
export interface TunnelNeeds {
  /** The tunnel's interface. */
  interface: string;
  /** The UDP port that others dial; null: none do. */
  listenPort: number | null;
  /** The interface of the default route; null: unknown. */
  outerDevice: string | null;
  /** Whether the host forwards IPv4 packets between peers of the interface. */
  forwards: boolean;
  /** The same for IPv6. */
  forwards6: boolean;
  /** The interface by which it forwards packets to other networks; absent: none. */
  leavesBy?: string;
  /** The prefixes of the tunnel. */
  tunnel: readonly string[];
  /** Whether it answers DNS queries from the tunnel. */
  dns?: boolean;
}

/** A base chain that drops packets which the tunnel needs. */
export interface FirewallFinding {
  blocked: Blocked;
  /** The interface to which packets are dropped; null: packets to the host itself. */
  to: string | null;
  /** `FAMILY/NAME`; for the older iptables `iptables/filter`. */
  table: string;
  chain: string;
  tool: Tool;
  /** A shell command that opens it. */
  command: string;
}

/** Longer output is not checked. */
const MAX_CHARACTERS = 4 * 1024 * 1024;
/** Limit on comparisons for one host. */
const MAX_COMPARED = 2_000_000;

/**
 * Reports only packets that are certainly blocked: a rule that is not understood counts as accepting, to avoid false alarms.
 * Takes linear time and space.
 */
export function firewallFindings(output: FilterOutput, needs: TunnelNeeds): FirewallFinding[] {
  const own = filterTable(needs.interface);
  const tables = tablesIn(output).filter(({ family, name }) => `${family} ${name}` !== own);
  const budget: Budget = { left: MAX_COMPARED };
  const found = [
    ...blockedPort(tables, needs, budget),
    ...blockedForwarding(tables, needs, budget),
    ...blockedTunnel(tables, needs, budget),
    ...blockedDns(tables, needs, budget),
  ];
  const first = new Map<string, FirewallFinding>();
  for (const { blocked, table, chain, packet } of found) {
    if (!isPlain(table.name) || !isPlain(chain.name)) continue;
    const place = { blocked, table, chain, tables, packet };
    const command = commandThatOpens(place, needs);
    // Several tables may need the same command.
    if (first.has(`${blocked} ${command}`)) continue;
    const name = `${table.from === "nft" ? table.family : "iptables"}/${table.name}`;
    const { output: to } = packet;
    const finding = { blocked, to, table: name, chain: chain.name, tool: toolFor(place), command };
    first.set(`${blocked} ${command}`, finding);
  }
  return [...first.values()];
}

/** A finding as a sentence without a full stop. */
export function firewallWords(finding: FirewallFinding, needs: TunnelNeeds): string {
  return `${firewallCause(finding, needs)}: ${finding.command}`;
}

/** The same without the command that opens it. */
export function firewallCause(
  { blocked, to, table, chain }: FirewallFinding,
  needs: TunnelNeeds,
): string {
  const what = {
    port: `lets no UDP in at port ${needs.listenPort ?? 0}, where others dial it`,
    forwarding: `lets nothing through from ${needs.interface} to ${to ?? ""}`,
    tunnel: "drops what comes out of the tunnel",
    pings: "drops the pings that come out of the tunnel",
    dns: "drops the DNS queries that come out of the tunnel, so devices resolve no name at all",
  }[blocked];
  return `a firewall on this host (chain ${chain} of ${table}) ${what}`;
}

interface Found extends Blocking {
  blocked: Blocked;
  packet: Packet;
}

/** Names from the host become part of a shell command. */
function isPlain(name: string): boolean {
  return /^[\w./-]{1,128}$/.test(name);
}

function tablesIn({ nft, iptables }: FilterOutput): Table[] {
  let characters = 0;
  for (const lines of [nft, iptables]) for (const line of lines) characters += line.length + 1;
  return characters > MAX_CHARACTERS ? [] : [...parseNft(nft), ...parseIptablesSave(iptables)];
}

function blockedPort(tables: readonly Table[], needs: TunnelNeeds, budget: Budget): Found[] {
  if (needs.listenPort === null) return [];
  const packet: Packet = {
    hook: "input",
    family: 4,
    input: needs.outerDevice,
    output: null,
    carries: "udp",
    port: needs.listenPort,
    source: "anywhere",
  };
  return blockingChains(tables, packet, budget).map((it) => ({ ...it, blocked: "port", packet }));
}

function blockedForwarding(tables: readonly Table[], needs: TunnelNeeds, budget: Budget): Found[] {
  const families = [needs.forwards ? [4 as const] : [], needs.forwards6 ? [6 as const] : []].flat();
  const outputs = [needs.interface, ...(needs.leavesBy === undefined ? [] : [needs.leavesBy])];
  const packets = families.flatMap((family) =>
    outputs.map((output): Packet => {
      const from = { hook: "forward", family, input: needs.interface, output } as const;
      return { ...from, carries: "any", port: null, source: null };
    }),
  );
  return packets.flatMap((packet) => {
    const blocking = blockingChains(tables, packet, budget);
    return blocking.map((it) => ({ ...it, blocked: "forwarding" as const, packet }));
  });
}

/** A device that uses this host as its DNS server has no other one. */
function blockedDns(tables: readonly Table[], needs: TunnelNeeds, budget: Budget): Found[] {
  const prefix = needs.tunnel.find((one) => !one.includes(":"));
  const source = prefix === undefined ? null : spanOf(prefix, 4);
  if (needs.dns !== true || source === null) return [];
  const packet: Packet = {
    hook: "input",
    family: 4,
    input: needs.interface,
    output: null,
    carries: "udp",
    port: 53,
    source,
  };
  return blockingChains(tables, packet, budget).map((it) => ({ ...it, blocked: "dns", packet }));
}

/** If TCP or UDP may pass, only the pings are reported as dropped. */
function blockedTunnel(tables: readonly Table[], needs: TunnelNeeds, budget: Budget): Found[] {
  return [...new Set(needs.tunnel)].flatMap((prefix) => {
    const family = prefix.includes(":") ? 6 : 4;
    const source = spanOf(prefix, family);
    if (source === null) return [];
    const ping: Packet = {
      hook: "input",
      family,
      input: needs.interface,
      output: null,
      carries: "ping",
      port: null,
      source,
    };
    const blocking = blockingChains(tables, ping, budget);
    if (blocking.length === 0) return [];
    const others = blockingChains(tables, { ...ping, carries: "any" }, budget);
    return blocking.map((it) => {
      const all = others.some(({ chain }) => chain === it.chain);
      return { ...it, blocked: all ? ("tunnel" as const) : ("pings" as const), packet: ping };
    });
  });
}
