/**
 * What the commands of a wg-quick(8) file do (PreUp, PostUp, PreDown, PostDown), for those that guides, wg-easy and installers
 * write: they open the firewall for the tunnel, switch on forwarding, and translate addresses.
 */

/** `forward`: switches on forwarding. `masquerade`: gives what leaves the host's own address. `accept`: opens its firewall. */
export type HookEffect = "forward" | "masquerade" | "accept" | "other";

const RULE = /^ip6?tables(?:-nft|-legacy)?\s+(?:-w\s+|--wait\s+)?/;

/** The effects of the commands of one line, without duplicates. */
export function hookEffects(line: string): HookEffect[] {
  const commands = line.split(/;|&&/).map((command) => command.trim());
  return [...new Set(commands.filter((command) => command !== "").map(effectOf))];
}

function effectOf(written: string): HookEffect {
  const command = written.replace(/^sudo\s+/, "").replace(/^\/(?:usr\/)?s?bin\//, "");
  // What a shell could make of the rest is not known.
  if (!/^[\w\s./:,=%+"'!-]*$/.test(command.replace(/>\s*\/(?:proc\/[\w/]+|dev\/null)/, ""))) {
    return "other";
  }
  if (isForwarding(command)) return "forward";
  if (!RULE.test(command)) return "other";
  const rule = command.replace(RULE, "");
  if (/^(?:-t\s+nat\s+)?-[AID]\s+POSTROUTING\s(?:.*\s)?-j\s+MASQUERADE$/.test(rule))
    return "masquerade";
  return ACCEPTS.some((pattern) => pattern.test(rule)) ? "accept" : "other";
}

/** Of what goes through the host, and of WireGuard's own port. Other ports are a matter of other programs. */
const ACCEPTS = [
  /^(?:-t\s+filter\s+)?-[AID]\s+FORWARD\s(?:.*\s)?-j\s+ACCEPT$/,
  /^(?:-t\s+filter\s+)?-[AID]\s+INPUT\s(?:.*\s)?-p\s+udp\s(?:.*\s)?--dport\s+(?!53\s)\d+\s+-j\s+ACCEPT$/,
];

function isForwarding(command: string): boolean {
  return (
    /^sysctl(?:\s+-[qwe]+)*\s+net[./](?:ipv4[./](?:ip_forward|conf[./]\S+[./]forwarding)|ipv6[./]conf[./]\S+[./]forwarding)\s*=\s*1$/.test(
      command,
    ) ||
    /^echo\s+["']?1["']?\s*>\s*\/proc\/sys\/net\/(?:ipv4\/ip_forward|ipv6\/conf\/\w+\/forwarding)$/.test(
      command,
    )
  );
}
