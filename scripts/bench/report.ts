/** The figures as a Markdown table, and a description of the machine. */
import { spawnSync } from "node:child_process";
import * as os from "node:os";
import { isMet, ratiosOf, type Figure, type Sample } from "./figures";

export interface Report {
  machine: Machine;
  /** The number of measurements of each figure. */
  runs: number;
  figures: Figure[];
}

export interface Machine {
  /** When the bench began, as `2026-11-29`. */
  date: string;
  cores: number;
  cpu: string;
  kernel: string;
  node: string;
  engine: string;
  wireguard: string;
  /** Load average of the last minute when the bench began, by other programs. */
  load: number;
}

/** `wireguard`: which implementation the lab's hosts use. */
export function describeMachine(wireguard: string): Machine {
  const cpus = os.cpus();
  const { stdout } = spawnSync("pulumi", ["version"], { encoding: "utf8" });
  return {
    date: new Date().toISOString().slice(0, 10),
    cores: cpus.length,
    cpu: cpus[0]?.model ?? "unknown",
    kernel: `${os.type()} ${os.release()}`,
    node: process.versions.node,
    engine: stdout.trim().replace(/^v/, ""),
    wireguard,
    load: os.loadavg()[0] ?? NaN,
  };
}

const COLUMNS = [
  { head: "", align: "left" },
  { head: "wireguard-mesh", align: "right" },
  { head: "beside it", align: "right" },
  { head: "ratio", align: "right" },
  { head: "target", align: "left" },
] as const;

export function formatTable(figures: readonly Figure[]): string {
  return table(figures.map(cells), COLUMNS);
}

/** The table in README: the headlines, without targets. */
export function formatShort(report: Report): string {
  const figures = report.figures.filter(({ headline }) => headline === true);
  const rows = figures.map((figure) => cells(figure).slice(0, -1));
  return `${table(rows, COLUMNS.slice(0, -1))}\n\n${formatMachine(report)}`;
}

function formatMachine({ machine, runs }: Report): string {
  const { date, cores, cpu, kernel, node, engine, wireguard, load } = machine;
  return `In brackets: CPU seconds. ${date}, ${cores} × ${cpu}, ${kernel}, ${wireguard}, Node ${node}, Pulumi ${engine}; load average before: ${load.toFixed(1)}; medians of ${runs}.`;
}

export function formatReport(report: Report): string {
  const met = report.figures.map(isMet).filter((one) => one !== null);
  const missed = met.filter((one) => !one).length;
  return [
    formatTable(report.figures),
    "",
    formatMachine(report),
    `${missed} of ${met.length} targets ${missed === 1 ? "was" : "were"} missed.`,
    "",
  ].join("\n");
}

function cells(figure: Figure): string[] {
  const { what, unit, ours, rival, missing } = figure;
  const beside =
    rival === undefined ? (missing ?? "") : `${rival.name}: ${formatSample(rival, unit)}`;
  const [ratio, cpu] = ratiosOf(figure).map((value) => value.toFixed(2));
  return [
    what,
    formatSample(ours, unit),
    beside,
    ratio === undefined ? "" : cpu === undefined ? ratio : `${ratio} (${cpu})`,
    targetText(figure),
  ];
}

function formatSample({ median, cpuSeconds }: Sample, unit: string): string {
  const cpu = cpuSeconds === undefined ? "" : ` (${number(cpuSeconds)})`;
  return `${number(median)} ${unit}${cpu}`;
}

/** Three significant digits, without an exponent. */
function number(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100)
    return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

function targetText(figure: Figure): string {
  const { target } = figure;
  if (target === undefined) return "";
  const { of, most, least } = target;
  const bound = most === undefined ? `≥ ${least ?? ""}` : `≤ ${most.toLocaleString("en")}`;
  const text = of === "value" ? bound : `${bound} ×`;
  const met = isMet(figure);
  return met === null ? text : `${text} ${met ? "met" : "**missed**"}`;
}

type Column = (typeof COLUMNS)[number];

/** Padded like Prettier's tables. */
function table(rows: string[][], columns: readonly Column[]): string {
  const heads = columns.map(({ head }) => head);
  const widths = columns.map((_, at) =>
    Math.max(3, ...[heads, ...rows].map((row) => row[at]?.length ?? 0)),
  );
  const pad = (text: string, at: number): string =>
    columns[at]?.align === "right" ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0);
  const rule = columns.map(({ align }, at) => {
    const dashes = "-".repeat((widths[at] ?? 0) - 1);
    return align === "right" ? `${dashes}:` : `:${dashes}`;
  });
  const lines = [heads.map(pad), rule, ...rows.map((row) => row.map(pad))];
  return lines.map((row) => `| ${row.join(" | ")} |`).join("\n");
}
