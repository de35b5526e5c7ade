/** The packet filter of an interface: one nft(8) table, and the file that loads it at boot. */
import { Secret } from "../secret";
import { filterTable } from "../filter-table";
import type { LiveDifference } from "./difference";
import type { Observation } from "./observation";
import { tableDifference } from "./packet-filter/normal-form";
import { configPath, pathsOf } from "./paths";
import { addressOf, prefixOf, PrefixSet } from "./prefixes";
import type { Part } from "./steps";
import type { Wanted } from "./wanted";

export function filterDifference({ filter }: Observation, wanted: Wanted): LiveDifference[] {
  const isThere = filter.length > 0;
  if (wanted.filter === null) return isThere ? [{ kind: "filter", is: "extra" }] : [];
  if (!isThere) return [{ kind: "filter", is: "missing" }];
  const found = tableDifference(filter, linesIn(wanted.filter));
  return found === null ? [] : [{ kind: "filter", is: "other", ...found }];
}

/** One transaction for the change and one for its undo, so established connections that stay allowed continue. */
export function changeFilter({ filter }: Observation, wanted: Wanted): Part {
  const { name } = wanted.main;
  const planned = wanted.filter === null ? [] : linesIn(wanted.filter);
  return {
    apply: [{ do: "nft", lines: replacing(name, planned) }],
    undo: [{ do: "nft", lines: replacing(name, filter) }],
  };
}

/** Lines for `nft -f` that replace the table. Empty `table`: delete it. */
function replacing(name: string, table: readonly string[]): string[] {
  const own = filterTable(name);
  return [`add table ${own}`, `delete table ${own}`, ...table];
}

/** The file that the live file loads. */
export function filterText({ filter, main }: Wanted): Secret | null {
  if (filter === null) return null;
  return Secret.of(
    replacing(main.name, linesIn(filter))
      .map((line) => `${line}\n`)
      .join(""),
  );
}

/**
 * Lines for the [Interface] section of the live file (wg-quick(8)). If the filter cannot be loaded, the interface does not come
 * up; if the host can be reached only through the tunnel, it comes up without the peers that need the filter. nft reads the
 * file from a pipe, because AppArmor's profile for wg-quick forbids it to read files.
 */
export function filterHooks({ main, onlyWithFilter }: Wanted, path: string): string[] {
  const own = filterTable(main.name);
  const load = `[ -s ${path} ] && nft -f <(cat ${path})`;
  return [
    `PreUp = ${FIND}; ${load}${onlyWithFilter === null ? "" : " || true"}`,
    ...withoutFilterHook(main.name, own, onlyWithFilter),
    `PostDown = ${FIND}; nft 'add table ${own}; delete table ${own}'`,
  ];
}

/** The same for the second interface. */
export function secondHooks({ main, second, filter, onlyWithFilter }: Wanted): string[] {
  if (second === null || filter === null) return [];
  return withoutFilterHook(second.name, filterTable(main.name), onlyWithFilter);
}

/** Precedes commands of the live file that need the filter, if the interface may come up without it. */
export function filterCondition({ main, filter, onlyWithFilter }: Wanted): string {
  if (filter === null || onlyWithFilter === null) return "";
  return `${FIND}; nft list table ${filterTable(main.name)} >/dev/null 2>&1 && `;
}

const FIND = "PATH=$PATH:/usr/sbin:/sbin";

function withoutFilterHook(name: string, table: string, keys: readonly string[] | null): string[] {
  if (keys === null || keys.length === 0) return [];
  const remove = keys.map((key) => `peer ${key} remove`).join(" ");
  return [`PostUp = ${FIND}; nft list table ${table} >/dev/null 2>&1 || wg set ${name} ${remove}`];
}

/** The file that the live file of the host names; null if it names none. */
export function filterFileInUse({ configs }: Observation, name: string): string | null {
  const hooks = (configs.get(configPath(name)) ?? []).filter((line) => line.startsWith("PreUp = "));
  const inUse = pathsOf(name).filters.find((path) =>
    hooks.some((line) => line.includes(` nft -f <(cat ${path})`)),
  );
  return inUse ?? null;
}

/** Adds addresses to each set of the table that has one of the given addresses as an element. */
export function withMoreAddresses(
  table: string,
  more: ReadonlyMap<string, readonly string[]>,
): string {
  return table.replace(/elements = \{ ([^}]*) \}/g, (whole, list: string) => {
    const elements = list.split(",").map((element) => element.trim());
    const present = new PrefixSet(elements.flatMap((element) => prefixOf(element) ?? []));
    const added = new Set(
      elements.flatMap((element) => more.get(prefixOf(element)?.text ?? "") ?? []),
    );
    const missing = [...added]
      .flatMap((text) => prefixOf(text) ?? [])
      .filter((it) => !present.covers(it));
    const texts = missing.map(({ text }) => addressOf(text));
    return texts.length === 0 ? whole : `elements = { ${[...elements, ...texts].join(", ")} }`;
  });
}

function linesIn(text: string): string[] {
  return text.replace(/\n$/, "").split("\n");
}
