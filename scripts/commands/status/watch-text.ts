/** One look of `status --watch`: a line for each tunnel with its rates, those that need attention first, in 80 columns. */
import pc from "picocolors";
import type { Outdated } from "../../../mesh/render/delivery";
import { formatAge } from "../../cli/report-text";
import { formatTable } from "../../cli/table";
import { tunnelsLine } from "../../cli/tunnels-line";
import { wrapLines } from "../../cli/wrap";
import type { LinkState } from "../../stack/link-states";
import type { LinkRate } from "./rates";
import type { StatusReport } from "./status-report";
import { formatBytes } from "./status-text";

export interface Look {
  /** What is looked at, when, and how often. */
  heading: string;
  report: StatusReport;
  links: readonly LinkRate[];
  outdated: readonly Outdated[];
}

const HEAD = ["NODE", "PEER", "STATE", "AGE", "SENT", "RECEIVED"];
/** So that a row with the longest of everything else fits into 80 columns. */
const NAME_WIDTH = 16;
/** As many tunnels are shown even where there is no room for them. */
const FEWEST = 3;

/** `rows`: of the terminal; null: as many as it takes. */
export function watchText(look: Look, rows: number | null): string {
  const { heading, report, outdated } = look;
  const foot = [
    tunnelsLine(report.links, report.tunnels.planned, outdated),
    ...Object.entries(report.nodes).flatMap(([name, node]) => findings(name, node)),
  ].filter((text) => text !== "");
  const taken = [heading, "", HEAD.join(" "), "", ...foot].join("\n").split("\n").length;
  const links = [...look.links].sort((a, b) => urgency(a) - urgency(b));
  const room = rows === null ? links.length : Math.max(FEWEST, rows - taken - 1);
  const shown = links.length > room ? links.slice(0, Math.max(FEWEST, room - 1)) : links;
  const more = links.length - shown.length;
  return [
    heading,
    "",
    formatTable(HEAD, shown.map(rowOf)),
    ...(more === 0 ? [] : [`and ${more} more`]),
    "",
    ...foot,
  ].join("\n");
}

const URGENT: readonly LinkState[] = ["dead", "unknown", "away", "idle", "alive"];

function urgency({ state }: LinkRate): number {
  return URGENT.indexOf(state);
}

function rowOf({ a, b, state, handshakeAge, aToB, bToA }: LinkRate): string[] {
  return [
    cut(a),
    cut(b),
    COLOURS[state](state),
    handshakeAge === null ? "-" : formatAge(handshakeAge),
    formatRate(aToB),
    formatRate(bToA),
  ];
}

const plain = (text: string): string => text;
const COLOURS: Record<LinkState, (text: string) => string> = {
  alive: pc.green,
  dead: pc.red,
  unknown: pc.yellow,
  away: plain,
  idle: plain,
};

function formatRate(rate: number | null): string {
  return rate === null ? "-" : `${formatBytes(Math.round(rate))}/s`;
}

function cut(name: string): string {
  return name.length <= NAME_WIDTH ? name : `${name.slice(0, NAME_WIDTH - 1)}…`;
}

/** Two lines at most for each: `status NODE` says the rest. */
function findings(name: string, node: StatusReport["nodes"][string]): string[] {
  const { cause, drift } = node;
  const [first = ""] = (cause ?? "").split("\n");
  const more = `npx wireguard-mesh status ${name}`;
  if (cause !== undefined)
    return [wrapLines(`${pc.red(name)}: not seen: ${reasonIn(cause, first)}`)];
  if (drift.length === 0) return [];
  return [wrapLines(`${pc.yellow(name)} differs from the plan (${drift.length}): ${more}`)];
}

/** `cannot be reached, …` is followed by a line for each way, with its cause. */
function reasonIn(cause: string, first: string): string {
  const [, way] = /^ {2}(\S.*)$/m.exec(cause) ?? [];
  return first.startsWith("cannot be reached") && way !== undefined ? way : first;
}
