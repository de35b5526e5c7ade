/** Changes of node names in the hosts' /etc/hosts. */
import { servesNames } from "../plan/names";
import type { NodeRecord } from "./record";
import { shortList } from "./short-list";

export interface NameChanges {
  /** For every host, e.g. `+ name p33.mesh.internal`; `~`: another address. */
  lines: string[];
  /** Whether the network gets a domain or loses it; null: neither. */
  domain: "begins" | "ends" | null;
}

/** `before` and `after`: `NAME.DOMAIN ADDRESS [ADDRESS6]`, one line for each node; null without a domain. */
export function nameChanges(before: string | null, after: string | null): NameChanges {
  const [was, is] = [linesIn(before), linesIn(after)];
  const removed = namesIn(was, is);
  const added = namesIn(is, was);
  const lines = [
    ...nameLine("+", without(added, removed)),
    ...nameLine("-", without(removed, added)),
    ...nameLine("~", without(added, without(added, removed))),
  ];
  if ((before === null) === (after === null)) return { lines, domain: null };
  return { lines, domain: before === null ? "begins" : "ends" };
}

/** The lines for one host. */
export function nameLines({ lines, domain }: NameChanges, { kind, pushed }: NodeRecord): string[] {
  if (domain === null || !servesNames(kind, pushed)) return lines;
  return [domain === "begins" ? "+ DNS server for devices" : "- DNS server for devices", ...lines];
}

function linesIn(text: string | null): string[] {
  return (text ?? "").split("\n").filter((line) => line !== "");
}

/** The names in the lines that are not in `others`. */
function namesIn(lines: readonly string[], others: readonly string[]): string[] {
  return without(lines, others).map((line) => line.slice(0, line.indexOf(" ")));
}

function without(some: readonly string[], others: readonly string[]): string[] {
  return some.filter((one) => !others.includes(one));
}

function nameLine(mark: string, names: readonly string[]): string[] {
  const count = names.length === 1 ? "name" : `${names.length} names:`;
  return names.length === 0 ? [] : [`${mark} ${count} ${shortList(names)}`];
}
