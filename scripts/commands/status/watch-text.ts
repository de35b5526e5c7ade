/** The screen of `status --watch`: a line for each tunnel with its rates, problems first, in 80 columns. */
import pc from "picocolors";
import { shortList } from "../../../mesh/review/short-list";
import type { Outdated } from "../../../mesh/render/delivery";
import { formatAge } from "../../cli/report-text";
import { formatTable } from "../../cli/table";
import { tunnelsLine } from "../../cli/tunnels-line";
import { wrapLines } from "../../cli/wrap";
import type { LinkState } from "../../stack/link-states";
import type { LinkRate } from "./rates";
import type { StatusReport } from "./status-report";
import { formatBytes } from "./status-text";

interface WatchRound {
  /** The scope, the time, and the interval. */
  heading: string;
  report: StatusReport;
  links: readonly LinkRate[];
  outdated: readonly Outdated[];
}

const HEAD = ["NODE", "PEER", "STATE", "AGE", "SENT", "RECEIVED"];
/** Leaves room for the longest values of the other columns in 80 columns. */
const NAME_WIDTH = 16;
/** At least this many tunnels are shown, even on a small terminal. */
const MIN_TUNNELS = 3;

/** `rows` is the terminal's height; null: unlimited. */
export function watchText(round: WatchRound, rows: number | null): string {
  const { heading, report, outdated } = round;
  const tunnels = tunnelsLine(report.links, report.tunnels.planned, outdated);
  const found = atMost(findings(report), rows === null ? Infinity : Math.floor(rows / 3));
  const foot = [tunnels, ...found.shown, ...more(found, ": npx wireguard-mesh status")];
  const taken = [heading, "", HEAD.join(" "), "", ...foot].join("\n").split("\n").length;
  const links = [...round.links].sort((a, b) => urgency(a) - urgency(b));
  // The last line of a terminal stays free: a text that ends there would scroll it.
  const room = rows === null ? Infinity : Math.max(MIN_TUNNELS, rows - taken - 1);
  const table = atMost(links, room);
  return [
    heading,
    "",
    formatTable(HEAD, table.shown.map(rowOf)),
    ...more(table),
    "",
    ...foot.filter((text) => text !== ""),
  ].join("\n");
}

interface Shown<T> {
  shown: readonly T[];
  hidden: number;
}

/** Cuts a list to this many lines, of which the last one is for the number of hidden items. */
function atMost<T>(all: readonly T[], lines: number): Shown<T> {
  const shown = all.length <= lines ? all : all.slice(0, Math.max(1, lines - 1));
  return { shown, hidden: all.length - shown.length };
}

function more({ hidden }: Shown<unknown>, remedy = ""): string[] {
  return hidden === 0 ? [] : [`and ${hidden} more${remedy}`];
}

const URGENT: readonly LinkState[] = ["dead", "unknown", "away", "idle", "alive"];

function urgency({ state }: LinkRate): number {
  return URGENT.indexOf(state);
}

function rowOf({ a, b, state, handshakeAge, aToB, bToA }: LinkRate): string[] {
  return [
    truncated(a),
    truncated(b),
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

function truncated(name: string): string {
  return name.length <= NAME_WIDTH ? name : `${name.slice(0, NAME_WIDTH - 1)}…`;
}

/** Reasons for unreachable hosts, each once, and hosts that differ from the plan; `status` has the details. */
function findings({ nodes }: StatusReport): string[] {
  const unseen = new Map<string, string[]>();
  for (const [name, { cause }] of Object.entries(nodes)) {
    if (cause === undefined) continue;
    const reason = reasonIn(cause);
    unseen.set(reason, [...(unseen.get(reason) ?? []), name]);
  }
  const drifted = Object.entries(nodes).flatMap(([name, { drift }]) =>
    drift.length > 0 ? [name] : [],
  );
  return [
    ...[...unseen].map(
      ([reason, names]) => `${pc.red("Not seen:")} ${shortList(names)}: ${reason}`,
    ),
    ...(drifted.length === 0
      ? []
      : [`${pc.yellow("Not as planned:")} ${shortList(drifted)}: npx wireguard-mesh status`]),
  ].map(wrapLines);
}

/** After `cannot be reached, …`, the lines have the cause for each SSH target; the first of them is the reason. */
function reasonIn(cause: string): string {
  const [first = ""] = cause.split("\n");
  const [, way] = /^ {2}(\S.*)$/m.exec(cause) ?? [];
  return first.startsWith("cannot be reached") && way !== undefined ? way : first;
}
