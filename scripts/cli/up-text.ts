/** What an `up` did, as text for a terminal. */
import pc from "picocolors";
import type { HostCheck } from "../stack/check-hosts";
import type { UpReport } from "../stack/converge";
import { indented, joinBlocks } from "./command";
import { driftText, failedLine, formatAge } from "./report-text";

export function upText(report: UpReport): string {
  return joinBlocks([
    failuresText(report),
    waitingText(report),
    fixedText(report),
    tunnelsText(report),
  ]);
}

/** The failures of single nodes; the engine's own output has just ended with the others. */
function failuresText({ failed }: UpReport): string {
  return failed
    .flatMap(({ node, reason }) => (node === null ? [] : [failedLine(node, reason)]))
    .join("\n");
}

function waitingText({ waiting }: UpReport): string {
  if (waiting.length === 0) return "";
  return `skipped, because a relay that they need failed (the next up includes them): ${waiting.join(", ")}`;
}

/** The result of a check of hosts, before anything is fixed. */
export function checksText(checks: readonly HostCheck[]): string {
  if (checks.length === 0) return "All hosts match the plan.";
  return checks
    .map(({ node, drift, cause }) =>
      cause === null ? driftText(node, drift) : `${pc.red(node)}: ${cause}`,
    )
    .join("\n");
}

function fixedText({ checked }: UpReport): string {
  return checked
    .map(({ node, mended, cause }) =>
      mended
        ? `${pc.green("as planned again:")} ${node}`
        : `${pc.red("still not as planned:")} ${node}: ${cause ?? ""}`,
    )
    .join("\n");
}

function tunnelsText({ links }: UpReport): string {
  if (links.length === 0) return "";
  const dead = links.filter((link) => link.state === "dead");
  if (dead.length === 0)
    return `${pc.green("Tunnels:")} ${links.length} of ${links.length} have a handshake`;
  const lines = dead.map(({ a, b, handshakeAge }) => {
    const last =
      handshakeAge === null ? "no handshake yet" : `last handshake ${formatAge(handshakeAge)} ago`;
    return `${a} - ${b}: ${last}`;
  });
  return [
    pc.red(`${dead.length} of ${links.length} tunnels do not work:`),
    indented(lines),
    "  Is the UDP port of the dialled side open in its firewall, and its endpoint right? See: npx wireguard-mesh status",
    // REJECT_AFTER_TIME (180 s): so long a device keeps a session that the other side has lost.
    "  A peer that its relay had removed and added again reconnects by itself within three minutes.",
  ].join("\n");
}
