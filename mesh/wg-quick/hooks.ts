/**
 * What the commands of a wg-quick(8) file do (PreUp, PostUp, PreDown, PostDown), for those that guides, wg-easy and installers
 * write: they open the firewall for the tunnel, switch on forwarding, and translate addresses.
 */

/** `forward`: lets packets through the host. `masquerade`: gives what leaves the host's own address. `open`: opens a port. */
type Effect = "forward" | "masquerade" | "open" | "other";

const RULE = /^ip6?tables(?:-nft|-legacy)?\s+(?:-w\s+|--wait\s+)?/;

/** The effects of the commands of one line, without duplicates. */
export function hookEffects(line: string): Effect[] {
  const commands = line.split(/;|&&/).map((command) => command.trim());
  return [...new Set(commands.filter((command) => command !== "").map(effectOf))];
}

function effectOf(written: string): Effect {
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
  if (/^(?:-t\s+filter\s+)?-[AID]\s+FORWARD\s(?:.*\s)?-j\s+ACCEPT$/.test(rule)) return "forward";
  if (/^(?:-t\s+filter\s+)?-[AID]\s+INPUT\s.*-j\s+ACCEPT$/.test(rule)) return "open";
  return "other";
}

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
