/**
 * Recognizes the commands that guides, wg-easy and installers put into wg-quick(8) hooks (PreUp, PostUp, PreDown, PostDown): they
 * open the firewall for the tunnel, switch on forwarding, and translate addresses.
 */

/** `forward` switches on forwarding, `masquerade` translates source addresses, `accept` opens the host's firewall. */
export type HookEffect = "forward" | "masquerade" | "accept" | "other";

const RULE = /^ip6?tables(?:-nft|-legacy)?\s+(?:-w\s+|--wait\s+)?/;

/** The effects of the commands of one line, without duplicates. */
export function hookEffects(line: string): HookEffect[] {
  const commands = line.split(/;|&&/).map((command) => command.trim());
  return [...new Set(commands.filter((command) => command !== "").map(effectOf))];
}

function effectOf(written: string): HookEffect {
  const command = written.replace(/^sudo\s+/, "").replace(/^\/(?:usr\/)?s?bin\//, "");
  // Other characters may have a meaning to the shell.
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

/** Rules for forwarded packets and for WireGuard's own port. Rules for other ports belong to other programs. */
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
