/** What an `up` came to, for machines and for people. */
import pc from "picocolors";
import type { NodeFailure } from "../../stack/engine-events";
import { formatAge } from "../status/status-report";
import type { HostCheck } from "./check-hosts";
import type { LinkStatus } from "../status/link-states";

export interface UpReport {
  /** The engine succeeded, and no link between two pushed nodes is dead. */
  ok: boolean;
  /** The engine's own. */
  exitCode: number;
  failed: NodeFailure[];
  /** Pushed nodes that were left out because a relay that they need failed; the next `up` does them. */
  waiting: string[];
  /** Nodes without a host whose config has changed in this run. */
  handOver: HandOver[];
  /** The links between pushed nodes; empty where they were not looked at. */
  links: LinkStatus[];
  /** With --check: the hosts that were not as planned. */
  checked: HostCheck[];
}

export interface HandOver {
  node: string;
  /** `device`: it adds its private key itself, so the config is text and no QR code. */
  custody: "config" | "host" | "device";
}

export function upText(report: UpReport): string {
  return [failures(report), waiting(report), mended(report), tunnels(report)]
    .filter((block) => block !== "")
    .join("\n");
}

/** The failures of single nodes; the engine has just shown the others, at the end of its own output. */
function failures({ failed }: UpReport): string {
  return failed
    .filter(({ node }) => node !== null)
    .map(
      ({ node, reason }) =>
        `${pc.red("failed:")} ${node ?? ""}: ${reason.replaceAll("\n", "\n  ")}`,
    )
    .join("\n");
}

function waiting({ waiting: names }: UpReport): string {
  if (names.length === 0) return "";
  return `left out, because a relay that they need failed (the next up does them): ${names.join(", ")}`;
}

/** What a check has found, before anything was done about it. */
export function checksText(found: HostCheck[]): string {
  if (found.length === 0) return "Every host is as planned.";
  return found
    .map(({ node, drift, cause }) =>
      cause === null
        ? `${pc.yellow(node)} differs from the plan:\n${drift.map((line) => `  ${line}`).join("\n")}`
        : `${pc.red(node)}: ${cause}`,
    )
    .join("\n");
}

function mended({ checked }: UpReport): string {
  return checked
    .map(({ node, mended: well, cause }) =>
      well
        ? `${pc.green("as planned again:")} ${node}`
        : `${pc.red("still not as planned:")} ${node}: ${cause ?? ""}`,
    )
    .join("\n");
}

function tunnels({ links }: UpReport): string {
  if (links.length === 0) return "";
  const dead = links.filter((link) => link.state === "dead");
  if (dead.length === 0)
    return `${pc.green("Tunnels:")} ${links.length} of ${links.length} have shaken hands`;
  const lines = dead.map(({ a, b, handshakeAge }) => {
    const last =
      handshakeAge === null
        ? "no handshake yet"
        : `the last handshake was ${formatAge(handshakeAge)} ago`;
    return `  ${a} - ${b}: ${last}`;
  });
  return [
    pc.red(`${dead.length} of ${links.length} tunnels carry nothing:`),
    ...lines,
    "  Is the UDP port of the dialled side open on its firewall, and its endpoint right? See: npx wireguard-mesh status",
    // REJECT_AFTER_TIME (180 s): as long does a device keep a session that the other side has forgotten.
    "  A peer that its relay had forgotten meanwhile comes back by itself within three minutes.",
  ].join("\n");
}
