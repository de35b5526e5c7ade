/** Sets of addresses, exactly as `nft -s list table` prints them (nft(8)). */
import { disjoint, parsePrefix, type Family } from "../addresses";

/** The lines of a set or a chain, without the table's indentation. */
export type Block = string[];

/** Addresses under one name, as nft(8) keeps them: a set for each family. */
export interface AddressSet {
  name: string;
  elements: Readonly<Record<Family, readonly string[]>>;
}

/** How nft(8) writes each family: keyword, set type, and elements in a line. */
export const FAMILIES = [
  { family: 4, keyword: "ip", type: "ipv4_addr", suffix: "", perLine: 2 },
  { family: 6, keyword: "ip6", type: "ipv6_addr", suffix: "v6", perLine: 1 },
] as const;

export function setOf(name: string, prefixes: readonly string[]): AddressSet {
  const all = disjoint(prefixes.map(parsePrefix));
  const texts = (wanted: Family) => all.filter(({ family }) => family === wanted).map(element);
  return { name, elements: { 4: texts(4), 6: texts(6) } };
}

function element({ family, length, text }: ReturnType<typeof parsePrefix>): string {
  const single = length === (family === 4 ? 32 : 128);
  return single ? text.slice(0, text.indexOf("/")) : text;
}

export function setLines({ name, elements }: AddressSet): Block[] {
  return FAMILIES.filter(({ family }) => elements[family].length > 0).map(
    ({ family, type, suffix, perLine }) => [
      `set ${name}${suffix} {`,
      `\ttype ${type}`,
      // Only sets with prefixes: with this flag nft uses a tree, whose look-up takes three times as long as a hash table's.
      ...(elements[family].some((text) => text.includes("/")) ? ["\tflags interval"] : []),
      `\telements = { ${wrapped(elements[family], perLine)} }`,
      "}",
    ],
  );
}

function wrapped(elements: readonly string[], perLine: number): string {
  const separator = (at: number) => (at % perLine === 0 ? ",\n\t\t\t     " : ", ");
  return elements.map((text, at) => (at === 0 ? text : separator(at) + text)).join("");
}
