/** Text blocks that several commands print. */
import pc from "picocolors";
import type { Plan } from "../../mesh/plan/plan";
import type { Outdated } from "../../mesh/render/delivery";
import type { PendingKey, WaitingNeighbour } from "../stack/pending-keys";
import { indented } from "./command";
import { wrapLines, wrapped } from "./wrap";

/** `reason` may have several lines. */
export function failedLine(node: string, reason: string): string {
  return wrapLines(`${pc.red("failed:")} ${node}: ${reason.replaceAll("\n", "\n  ")}`);
}

export function driftText(node: string, drift: readonly string[]): string {
  return `${pc.yellow(node)} differs from the plan:\n${indented(drift)}`;
}

export function pendingText(pending: readonly PendingKey[]): string {
  return pending
    .map(({ node, waitsFor }) => {
      if (waitsFor.length === 0)
        return `${node}: no neighbour waits for its new key; finish the rotation: npx wireguard-mesh rotate ${node} --finish`;
      return [
        `${node}: a key rotation is in progress, and both keys work. No handshake with the new key yet:`,
        indented(waitsFor.map((waiting) => waitingFor(waiting, node))),
        `  When these are back: npx wireguard-mesh rotate ${node}`,
        `  Without them:        npx wireguard-mesh rotate ${node} --finish`,
        `  To give it up:       npx wireguard-mesh rotate ${node} --cancel`,
      ].join("\n");
    })
    .map(wrapLines)
    .join("\n");
}

function waitingFor({ node, why }: WaitingNeighbour, rotating: string): string {
  switch (why) {
    case "unreached":
      return `${node}: it cannot be reached now`;
    case "silent":
      return `${node}: no handshake with the new key of ${rotating} yet`;
    case "handOver":
      return `${node}: it needs its new config (npx wireguard-mesh config ${node}, or qr ${node})`;
  }
}

/** More devices than these are only counted. */
const MAX_DEVICES = 12;

/** The nodes that need a new config, each with the command that shows it. */
export function outdatedText(
  outdated: readonly Outdated[],
  plan: Plan,
  heading = "These devices need a new config:",
): string {
  if (outdated.length === 0) return "";
  const shown = outdated.slice(0, MAX_DEVICES);
  const width = Math.max(...shown.map(({ node }) => showConfig(node, plan).length));
  const lines = shown.map(({ node, why }) => {
    const command = showConfig(node, plan).padEnd(width);
    return wrapped(`  ${command}  # `, why.join(", "));
  });
  const more = outdated.length - shown.length;
  return [heading, ...lines, ...(more > 0 ? [`  and ${more} more`] : [])].join("\n");
}

/** A device that adds its own key gets a text file: a QR code cannot have a gap. */
export function showConfig(name: string, { nodes }: Plan): string {
  const node = nodes.find((candidate) => candidate.name === name);
  return node?.custody === "device"
    ? `npx wireguard-mesh config ${name}`
    : `npx wireguard-mesh qr ${name}`;
}

export function formatAge(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
