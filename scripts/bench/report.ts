/** The result in words: a Markdown table, what it was measured on, and the targets. */
import * as os from "node:os";
import type { Measurement, PushTable, Row } from "./pushes";

export interface Machine {
  cores: number;
  cpu: string;
  kernel: string;
  node: string;
  /** Load average of the last minute when the bench began: what else ran. */
  load: number;
}

export interface Target {
  text: string;
  limit: number;
  value: number;
  met: boolean;
}

export function describeMachine(): Machine {
  const cpus = os.cpus();
  return {
    cores: cpus.length,
    cpu: cpus[0]?.model ?? "unknown",
    kernel: `${os.type()} ${os.release()}`,
    node: process.versions.node,
    load: os.loadavg()[0] ?? NaN,
  };
}

/** Those for whose figures there are measurements. Times are medians; CPU seconds are for each changed host. */
export function targetsOf({ rows, changedHosts }: PushTable): Target[] {
  const { ssh, ansible } = rows;
  return [rows.programs, rows.up].flatMap(({ name, median }) => {
    if (median === null) return [];
    const { cpuSeconds, wallSeconds } = median;
    const over = (rival: Row): number | null =>
      rival.median === null ? null : wallSeconds / rival.median.wallSeconds;
    return [
      target(`${name}: time / ssh`, 1.6, over(ssh)),
      target(`${name}: time / Ansible`, 0.75, over(ansible)),
      target(`${name}: host script's CPU seconds a push`, 0.3, cpuSeconds.script / changedHosts),
      target(`${name}: operator's CPU seconds a push`, 0.25, cpuSeconds.operator / changedHosts),
    ].flat();
  });
}

function target(text: string, limit: number, value: number | null): Target[] {
  return value === null ? [] : [{ text, limit, value, met: value <= limit }];
}

const HEAD = [
  ...["", "wall s", "fastest–slowest", "× ssh", "× Ansible"],
  ...["operator", "host script", "sshd", "tunnels", "other load", "logins", "processes"],
];

export function formatReport(table: PushTable, machine: Machine): string {
  const { rows, changedHosts } = table;
  const rounds = rows.ssh.rounds.length;
  const lines = Object.values(rows).map((row) => cells(row, table));
  return [
    `## Pushes: one peer's keepalive changed on each of ${changedHosts} hosts`,
    "",
    `Median of ${rounds}. operator, host script, sshd and tunnels: CPU seconds for each host; logins and processes: for each host. other load: what else kept the processors busy.`,
    `${machine.cores} × ${machine.cpu}, ${machine.kernel}, Node ${machine.node}; load before: ${machine.load.toFixed(1)}`,
    "",
    markdownRow(HEAD),
    markdownRow(HEAD.map((_, at) => (at === 0 ? ":--" : "--:"))),
    ...lines.map(markdownRow),
    "",
    ...targetsOf(table).map(formatTarget),
    "",
  ].join("\n");
}

function cells(row: Row, { rows, changedHosts }: PushTable): string[] {
  const { name, median, rounds } = row;
  if (median === null) return [name, `not measured: ${row.notMeasured ?? ""}`];
  const walls = rounds.map(({ wallSeconds }) => wallSeconds);
  const each = (total: number, digits: number): string => (total / changedHosts).toFixed(digits);
  const { operator, script, sshd, tunnels } = median.cpuSeconds;
  return [
    name,
    median.wallSeconds.toFixed(2),
    `${Math.min(...walls).toFixed(2)}–${Math.max(...walls).toFixed(2)}`,
    ratio(median, rows.ssh),
    ratio(median, rows.ansible),
    ...[operator, script, sshd, tunnels].map((seconds) => each(seconds, 3)),
    `${Math.round(median.otherLoad * 100)} %`,
    each(median.logins, 1),
    each(median.processes, 0),
  ];
}

function ratio(one: Measurement, { median }: Row): string {
  return median === null ? "" : (one.wallSeconds / median.wallSeconds).toFixed(2);
}

function formatTarget({ text, limit, value, met }: Target): string {
  return `- ${met ? "met" : "**missed**"}: ${text}: ${value.toFixed(2)} (at most ${limit})`;
}

function markdownRow(texts: string[]): string {
  return `| ${texts.join(" | ")} |`;
}
