/** `nft -f` on a model host with one table: all lines take effect, or none. */
import { KernelError, type Host } from "./host";

const TABLE = "table inet wireguard-mesh-wg0";

export function nftLoad(host: Host, lines: readonly string[]): void {
  let table = host.table;
  const rest = wholeLines(lines);
  while (rest.length > 0) {
    const line = rest.shift();
    if (line === `add ${TABLE}`) table ??= [`${TABLE} {`, "}"];
    else if (line === `delete ${TABLE}`) {
      if (table === null) throw new KernelError("Error: No such file or directory");
      table = null;
    } else if (line === `${TABLE} {`) {
      const body = rest.splice(0, rest.indexOf("}") + 1).slice(0, -1);
      // Rules are added to the existing table.
      table = [`${TABLE} {`, ...(table?.slice(1, -1) ?? []), ...body, "}"];
    } else throw new KernelError(`Error: syntax error: ${line ?? ""}`);
  }
  host.table = table;
}

/** Without blank lines, each set on one line, and its elements in an order of their own. */
function wholeLines(lines: readonly string[]): string[] {
  const joined = lines
    .join("\n")
    .replace(/,\n\s*/g, ", ")
    .split("\n");
  return joined
    .filter((line) => line !== "")
    .map((line) =>
      line.replace(
        /\{ (.+?) \}/g,
        (_, list: string) => `{ ${list.split(", ").sort().join(", ")} }`,
      ),
    );
}
