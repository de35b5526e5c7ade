/** The report of `doctor` as text: nodes with findings first, a remedy below each cause. */
import pc from "picocolors";
import { shortList } from "../../../mesh/review/short-list";
import { joinBlocks } from "../../cli/command";
import { wrapLines, wrapped } from "../../cli/wrap";
import type { DoctorReport } from "./doctor-report";

export function doctorText({ findings, well, unknown, notes }: DoctorReport): string {
  const blocks = [
    ...findings.map(({ node, check, cause, remedy, affects }) =>
      joinBlocks([
        wrapLines(`${pc.red(node)}: ${check}: ${cause.replaceAll("\n", "\n  ")}`),
        remedy === "" ? "" : wrapped("  Remedy: ", remedy, 4),
        affects.length === 0 ? "" : wrapped("  Affected: ", shortList(affects), 4),
      ]),
    ),
    joinBlocks([
      well.length === 0 ? "" : wrapped(`${pc.green("well")}: `, shortList(well), 2),
      unknown.length === 0 ? "" : wrapped("not judged: ", shortList(unknown), 2),
    ]),
    ...notes.map(wrapLines),
  ];
  return joinBlocks(blocks, "\n\n");
}
