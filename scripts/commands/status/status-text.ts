/** The report of `status` as text: a line for each node, the number of working tunnels, and the findings. */
import pc from "picocolors";
import type { Outdated } from "../../../mesh/render/delivery";
import { indented } from "../../cli/command";
import { driftText, formatAge } from "../../cli/report-text";
import { formatTable } from "../../cli/table";
import { wrapLines } from "../../cli/wrap";
import { tunnelsLine } from "../../cli/tunnels-line";
import type { NodeStatus, StatusReport } from "./status-report";

export function statusText(report: StatusReport, outdated: readonly Outdated[]): string {
  const nodes = Object.entries(report.nodes);
  const head = ["NODE", "PATH", "STATE", "AGE", "ENDPOINT", "IN", "OUT"];
  const table = formatTable(
    head,
    nodes.map(([name, node]) => rowOf(name, node)),
  );
  const tunnels = tunnelsLine(report.links, report.tunnels.planned, outdated);
  return [table, tunnels, ...nodes.flatMap(findings)].filter((block) => block !== "").join("\n\n");
}

function rowOf(name: string, node: NodeStatus): string[] {
  const { path, handshakeAge, endpoint, rx, tx } = node;
  return [
    name,
    path,
    stateText(node),
    handshakeAge === null ? "-" : formatAge(handshakeAge),
    endpoint ?? "-",
    rx === null ? "-" : formatBytes(rx),
    tx === null ? "-" : formatBytes(tx),
  ];
}

function stateText({ state, tunnels, reachable }: NodeStatus): string {
  const { alive, planned } = tunnels;
  switch (state) {
    case "alive":
      return pc.green("alive");
    case "partly":
      return pc.yellow(`${alive} of ${planned}`);
    case "dead":
      return pc.red("dead");
    case "unknown":
      return reachable === false ? pc.red("not reached") : "unknown";
    case "idle":
    case "away":
    case "unlinked":
      return state;
  }
}

function findings([name, status]: [string, NodeStatus]): string[] {
  const { cause, drift, remedies, notes } = status;
  const texts = [
    ...(cause === undefined ? [] : [`${pc.red(name)}: ${cause.replaceAll("\n", "\n  ")}`]),
    ...notes.map((note) => `${pc.yellow(name)}: ${note.replaceAll("\n", "\n  ")}`),
    ...(drift.length === 0 ? [] : [`${driftText(name, drift)}\n${indented(remedies)}`]),
  ];
  return texts.map(wrapLines);
}

/** Binary units, as wg(8) shows transfer. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power] ?? "B"}`;
}
