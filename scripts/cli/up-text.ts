/** The result of an `up` as text for a terminal. */
import pc from "picocolors";
import type { Outdated } from "../../mesh/render/delivery";
import { shortList } from "../../mesh/review/short-list";
import type { HostCheck } from "../stack/check-hosts";
import type { UpReport } from "../stack/converge";
import { indented, joinBlocks } from "./command";
import { driftText, failedLine, formatAge } from "./report-text";
import { tunnelsLine } from "./tunnels-line";
import { wrapLines, wrapped } from "./wrap";

/** `outdated`: the devices that need a config. */
export function upText(report: UpReport, outdated: readonly Outdated[] = []): string {
  return joinBlocks([
    doneText(report),
    failuresText(report),
    canaryText(report),
    waitingText(report),
    fixedText(report),
    tunnelsText(report, outdated),
  ]);
}

/** The hosts that were pushed to, and the removed nodes. */
function doneText({ pushed, removed }: UpReport): string {
  const parts = [
    ...(pushed.length === 0 ? [] : [`pushed to ${counted(pushed)}`]),
    ...(removed.length === 0 ? [] : [`removed ${shortList(removed)}`]),
  ];
  return parts.length === 0 ? "" : wrapped("Done: ", parts.join("; "));
}

function counted(names: readonly string[]): string {
  return `${names.length} ${names.length === 1 ? "host" : "hosts"} (${shortList(names)})`;
}

/** The failures of nodes. Other failures were printed when the run ended. */
function failuresText({ failed }: UpReport): string {
  return failed
    .flatMap(({ node, reason }) => (node === null ? [] : [failedLine(node, reason)]))
    .join("\n");
}

function canaryText({ canary }: UpReport): string {
  if (canary === undefined || canary.ok) return "";
  const { nodes, relays, dead, held } = canary;
  const links = dead.map(({ node, neighbour }) => `${node} does not reach ${neighbour}`);
  const back = [...new Set(dead.map(({ node }) => node))].map(
    (node) => `  To take it back: npx wireguard-mesh rollback ${node}`,
  );
  const cause = dead.length === 0 ? "its push failed" : "not all of its tunnels work";
  return [
    `${pc.red("canary:")} ${nodes.join(", ")}: ${cause}, so the rest was not pushed`,
    ...(links.length === 0 ? [] : [indented(links)]),
    ...(relays.length === 0 ? [] : [wrapped("  pushed with it: ", shortList(relays))]),
    ...(held.length === 0 ? [] : [wrapped("  not touched: ", shortList(held))]),
    "  When it is fixed, run the same up again; to go on without it: npx wireguard-mesh up",
    ...back,
  ].join("\n");
}

function waitingText({ waiting, stopped }: UpReport): string {
  if (waiting.length === 0) return "";
  const names = wrapped("skipped: ", shortList(waiting));
  const why =
    stopped === true
      ? "So many hosts had failed that these were not begun (--max-failures)"
      : "A relay that they need failed";
  return `${names}\n  ${why}; the next up includes them.`;
}

/** The result of a check of hosts, before anything is fixed. */
export function checksText(checks: readonly HostCheck[]): string {
  if (checks.length === 0) return "All hosts match the plan.";
  return checks
    .map(({ node, drift, cause }) =>
      cause === null ? driftText(node, drift) : causeText(pc.red(node), cause),
    )
    .join("\n");
}

function fixedText({ checked }: UpReport): string {
  return checked
    .map(({ node, mended, cause }) =>
      mended
        ? `${pc.green("as planned again:")} ${node}`
        : causeText(`${pc.red("still not as planned:")} ${node}`, cause ?? ""),
    )
    .join("\n");
}

/** `cause` may have several lines. */
function causeText(head: string, cause: string): string {
  return wrapLines(`${head}: ${cause.replaceAll("\n", "\n  ")}`);
}

function tunnelsText({ links, planned }: UpReport, outdated: readonly Outdated[]): string {
  if (links.length === 0) return "";
  const dead = links.filter((link) => link.state === "dead");
  const shown = dead.slice(0, MAX_DEAD).map(({ a, b, handshakeAge }) => {
    const last =
      handshakeAge === null ? "no handshake yet" : `last handshake ${formatAge(handshakeAge)} ago`;
    return `${a} - ${b}: ${last}`;
  });
  const line = tunnelsLine(links, planned, outdated);
  return dead.length === 0 ? line : [line, indented(shown), wrapLines(DEAD_REMEDY)].join("\n");
}

/** More dead tunnels than these are only counted. */
const MAX_DEAD = 10;

// REJECT_AFTER_TIME (180 s): a device keeps using a session that its relay has lost for this long.
const DEAD_REMEDY = `  Is the UDP port of the dialled side open in its firewall, and its endpoint right? See: npx wireguard-mesh doctor
  A peer that its relay had removed and added again reconnects by itself within three minutes.`;
