/** The report of `ping` as text: a line for each hop, and where the ping is lost. */
import pc from "picocolors";
import type { Trace } from "../../../mesh/doctor/trace";
import { pathText } from "../../../mesh/plan/paths";
import { joinBlocks } from "../../cli/command";
import { formatTable } from "../../cli/table";
import { wrapLines } from "../../cli/wrap";

export function pingText(trace: Trace): string {
  const { from, to, hops, direct } = trace;
  const path = pathText([from, ...hops.map(({ name }) => name)]);
  const rows = hops.map(({ name, address, ms, legMs, outside }) => [
    name,
    address,
    legMs === null ? "-" : formatMs(legMs),
    outside === null ? "-" : `${formatMs(outside.ms)} ${outside.address}`,
    ms === null ? pc.red("lost") : formatMs(ms),
  ]);
  return joinBlocks(
    [
      `${from} to ${to}: ${path}`,
      formatTable(["HOP", "ADDRESS", "LEG", "OUTSIDE", `FROM ${from}`], rows),
      direct === null
        ? ""
        : wrapLines(
            `Without the tunnel: ${formatMs(direct.ms)} to ${direct.address}, where ${to} or its router is`,
          ),
      wrapLines(stopText(trace)),
    ],
    "\n\n",
  );
}

function stopText({ from, to, hops, stops, allowed }: Trace): string {
  if (stops === null) return "";
  if (!allowed) {
    return `The policy lets ${from} start nothing to ${to}, not even a ping. Who reaches whom: npx wireguard-mesh plan --reach`;
  }
  const { after, before } = stops;
  const gateway = hops.at(-2)?.name ?? after;
  const nodes = isAddress(before) ? gateway : `${after} ${before}`;
  const behind = isAddress(before)
    ? ` Is ${before} on, and does its router lead answers back to ${gateway}?`
    : "";
  return `The ping is lost between ${after} and ${before}.${behind} To find out why: npx wireguard-mesh doctor ${nodes}`;
}

/** Names of nodes have no dots or colons. */
function isAddress(name: string): boolean {
  return /[.:]/.test(name);
}

function formatMs(ms: number): string {
  return `${ms.toFixed(ms < 1 ? 2 : ms < 10 ? 1 : 0)} ms`;
}
