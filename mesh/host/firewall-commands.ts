/** The commands that open a host's packet filter for the tunnel, each for the program that made the table. */
import type { Chain, Table } from "./packet-filter/rules";
import { spanOf, type Packet } from "./packet-filter/match";

/**
 * `port`: UDP to the listen port. `forwarding`: from the interface to the one by which the packet leaves. `tunnel`: from the
 * interface to this host. `pings`, `dns`: only pings or DNS queries of those.
 */
export type Blocked = "port" | "forwarding" | "tunnel" | "pings" | "dns";

export type Tool = "ufw" | "firewalld" | "tailscale" | "iptables" | "nft";

/** A base chain and the packet that it drops. */
export interface Place {
  blocked: Blocked;
  packet: Packet;
  table: Table;
  chain: Chain;
  /** All tables of the host. */
  tables: readonly Table[];
}

/** The tool that made the table or the rule, and must be used to change it. */
export function toolFor(place: Place): Tool {
  const { name, family, chains } = place.table;
  if (name === "firewalld") return "firewalld";
  if (name !== "filter" || family === "inet") return "nft";
  if (isTailscale(place)) return "tailscale";
  if (chains.has("ufw-before-input") || chains.has("ufw6-before-input")) return "ufw";
  return chains.has("INPUT") || chains.has("FORWARD") ? "iptables" : "nft";
}

/** Tailscale drops packets from these addresses that come in by another interface. */
function isTailscale({ table, packet }: Place): boolean {
  const reserved = spanOf("100.64.0.0/10", 4);
  const { hook, family, source } = packet;
  if (hook !== "input" || family === 6 || !table.chains.has("ts-input")) return false;
  if (reserved === null || source === null || source === "anywhere") return false;
  return reserved[0] <= source[0] && source[1] <= reserved[1];
}

/** A shell command, with a remark as a comment. */
export function commandThatOpens(
  place: Place,
  needs: { interface: string; listenPort: number | null },
): string {
  const { blocked } = place;
  const name = needs.interface;
  const port = needs.listenPort ?? 0;
  const to = place.packet.output ?? name;
  switch (toolFor(place)) {
    case "ufw":
      if (blocked === "port") return `sudo ufw allow ${port}/udp`;
      if (blocked === "forwarding") return `sudo ufw route allow in on ${name} out on ${to}`;
      return `sudo ufw allow in on ${name}${blocked === "dns" ? " to any port 53" : ""}`;
    case "firewalld": {
      const zone =
        blocked === "port" ? `--add-port=${port}/udp` : `--zone=trusted --add-interface=${name}`;
      return `sudo firewall-cmd --permanent ${zone} && sudo firewall-cmd --reload`;
    }
    case "tailscale":
      return `sudo iptables -I ${place.chain.name} -i ${name} -j ACCEPT # Tailscale drops 100.64.0.0/10 again when it starts: use another prefix`;
    case "iptables":
      return iptablesCommand(place, name, port);
    case "nft":
      return nftCommand(place, name, port);
  }
}

function nftCommand({ blocked, packet, table, chain }: Place, name: string, port: number): string {
  const match = {
    port: `udp dport ${port}`,
    forwarding: `iifname ${name} oifname ${packet.output ?? name}`,
    tunnel: `iifname ${name}`,
    pings: `iifname ${name} ${packet.family === 4 ? "icmp" : "icmpv6"} type echo-request`,
    dns: `iifname ${name} meta l4proto { tcp, udp } th dport 53`,
  }[blocked];
  const chainWords = `${table.family} ${table.name} ${chain.name}`;
  return `sudo nft insert rule ${chainWords} ${match} accept # and keep it in /etc/nftables.conf`;
}

function iptablesCommand(place: Place, name: string, port: number): string {
  const program = place.table.family === "ip6" ? "ip6tables" : "iptables";
  const insert = `sudo ${program} -I ${place.chain.name}`;
  const keep = `# and keep it: ${program}-save`;
  switch (place.blocked) {
    case "port":
      return `${insert} -p udp --dport ${port} -j ACCEPT ${keep}`;
    case "forwarding":
      // Docker manages its other chains itself; DOCKER-USER is for the host's owner.
      if (place.tables.some(({ chains }) => chains.has("DOCKER-USER"))) {
        const rule = `sudo ${program} -I DOCKER-USER`;
        return `${rule} -i ${name} -j ACCEPT && ${rule} -o ${name} -j ACCEPT # and keep them`;
      }
      return `${insert} -i ${name} -o ${place.packet.output ?? name} -j ACCEPT ${keep}`;
    case "tunnel":
      return `${insert} -i ${name} -j ACCEPT ${keep}`;
    case "dns":
      return `${insert} -i ${name} -p udp --dport 53 -j ACCEPT ${keep}`;
    case "pings":
      return `${insert} -i ${name} -p ${program === "iptables" ? "icmp" : "ipv6-icmp"} -j ACCEPT ${keep}`;
  }
}
