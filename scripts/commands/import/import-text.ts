/** The result of an import as text. */
import pc from "picocolors";
import { stringify } from "yaml";
import type { Imported } from "../../../mesh/import/import";
import { formatIssues } from "../../../mesh/config/issue";
import { joinBlocks } from "../../cli/command";
import { wrapLines, wrapped } from "../../cli/wrap";

export function comparisonText({ files, withoutFile, notes, warnings }: Imported): string {
  const lines = files.map(({ node, source, differences }) =>
    differences.length === 0
      ? `  ${pc.green("same")}     ${node}  (${source})`
      : [
          `  ${pc.yellow("differs")}  ${node}  (${source})`,
          ...differences.map((it) => wrapped("             ", it, 15)),
        ].join("\n"),
  );
  const none =
    withoutFile.length === 0 ? [] : [wrapped("  ", `no file of: ${withoutFile.join(", ")}`, 4)];
  return joinBlocks([
    ["The files of the new stack, compared with the imported ones:", ...lines, ...none].join("\n"),
    notes.map((note) => wrapped("note: ", note, 2)).join("\n"),
    warnings.length === 0 ? "" : wrapLines(formatIssues(warnings)),
  ]);
}

/** The config as in the stack file, without its secrets. */
export function configText({ network, relays, peers, secrets }: Imported): string {
  const maps = Object.entries({ network, relays, peers }).filter(
    ([, map]) => Object.keys(map).length > 0,
  );
  const hidden = (key: string) =>
    Object.fromEntries(
      secrets.flatMap(({ path: [map, name] }) =>
        map === key ? [[name, "(hidden)"] as const] : [],
      ),
    );
  const secretMaps = ["privateKeys", "presharedKeys"].flatMap((key) => {
    const map = hidden(key);
    return Object.keys(map).length === 0 ? [] : [[key, map] as const];
  });
  const config = Object.fromEntries(
    [...maps, ...secretMaps].map(([key, value]) => [`wireguard-mesh:${key}`, value]),
  );
  return stringify({ config }, { lineWidth: 0 }).trimEnd();
}
