/**
 * The lines that the watcher on a host follows: it assigns prefixes to the one of two keys, and routes to the one of two
 * interfaces, that has the latest handshake.
 *
 * Lines `pair INTERFACE CURRENT NEXT PREFIXES`, `former INTERFACE ADDRESS PREFIXES [KEY]` and `own INTERFACE ADDRESS`
 * (former-addresses.ts), `home INTERFACE ADDRESS FORMER NOW` (moving-homes.ts), `port INTERFACE OLD NEW KEYS RELAYS`
 * (former-port.ts), `second INTERFACE MAIN` and, with a second interface, `route KEYS PREFIXES` with KEYS as `CURRENT` or
 * `CURRENT:NEXT`. PREFIXES are separated by commas.
 */

import type { FormerAddresses, MovingHome, Wanted } from "./wanted";

/** Everything that is rotating on one host. */
interface Rotating {
  /** The first interface. */
  main: string;
  /** The second interface; null if there is none. */
  second: string | null;
  pairs: readonly { current: string; next: string }[];
  /** Allowed IPs by public key, in the order of the config. */
  prefixes: ReadonlyMap<string, readonly string[]>;
  former: readonly FormerAddresses[];
  /** Its own former addresses. */
  own: readonly string[];
  homes: readonly MovingHome[];
  /** `OLD NEW KEYS`, or `OLD NEW KEYS RELAYS` */
  port: string | null;
}

/** The lines that the watcher should follow, in order; none if no key, address, home or port moves. */
export function watcherLines({
  main,
  second,
  pairs,
  former = [],
  homes = [],
  formerPort,
}: Wanted): string[] {
  return watchedLines({
    main: main.name,
    second: second?.name ?? null,
    pairs,
    former,
    own: main.formerAddresses ?? [],
    homes,
    port:
      formerPort === undefined
        ? null
        : [
            formerPort.port,
            main.listenPort ?? 0,
            formerPort.keys.join(","),
            ...(formerPort.relays.length === 0 ? [] : [formerPort.relays.join(",")]),
          ].join(" "),
    prefixes: new Map(main.peers.map(({ publicKey, allowedIps }) => [publicKey, allowedIps])),
  });
}

/** Converts the record of format 2: lines `pair CURRENT NEXT`, `alternate INTERFACE` and `prefixes KEY PREFIXES`. */
export function watchedLinesOfFormat2(main: string, lines: readonly string[]): string[] {
  const words = lines.map((line) => line.split(" "));
  const of = (kind: string) => words.filter(([word]) => word === kind);
  return watchedLines({
    main,
    second: of("alternate")[0]?.[1] ?? null,
    pairs: of("pair").map(([, current = "", next = ""]) => ({ current, next })),
    former: [],
    own: [],
    homes: [],
    port: null,
    prefixes: new Map(of("prefixes").map(([, key = "", list = ""]) => [key, list.split(",")])),
  });
}

/** The second interface in such lines. */
export function secondIn(lines: readonly string[]): string | null {
  return lines.find((line) => line.startsWith("second "))?.split(" ")[1] ?? null;
}

/** Both keys of each line `pair`. */
export function pairsIn(lines: readonly string[]): string[][] {
  return lines.flatMap((line) => {
    const [kind, , ...rest] = line.split(" ");
    return kind === "pair" ? [rest.slice(0, 2)] : [];
  });
}

/** A line `former`. */
export interface FormerLine {
  text: string;
  interface: string;
  address: string;
  former: string[];
  /** Null: of the peer with that address. */
  key: string | null;
}

export function formerIn(lines: readonly string[]): FormerLine[] {
  return lines.flatMap((text) => {
    const [kind, name = "", address = "", former = "", key = null] = text.split(" ");
    if (kind !== "former") return [];
    return [{ text, interface: name, address, former: former.split(","), key }];
  });
}

function watchedLines(rotating: Rotating): string[] {
  const { main, second, pairs, prefixes, former, own, homes, port } = rotating;
  const names = second === null ? [main] : [main, second];
  const nextOf = new Map(pairs.map(({ current, next }) => [current, next]));
  const held = pairs.filter(({ current }) => (prefixes.get(current) ?? []).length > 0);
  return [
    ...names.flatMap((name) =>
      held.map(
        ({ current, next }) =>
          `pair ${name} ${current} ${next} ${(prefixes.get(current) ?? []).join(",")}`,
      ),
    ),
    ...names.flatMap((name) =>
      former
        .filter(({ key }) => key === undefined || name === main)
        .map(({ address, former: all, key }) =>
          ["former", name, address, all.join(","), ...(key === undefined ? [] : [key])].join(" "),
        ),
    ),
    ...own.map((address) => `own ${main} ${address}`),
    ...homes.map(({ address, former: from, now }) => `home ${main} ${address} ${from} ${now}`),
    ...(port === null ? [] : [`port ${main} ${port}`]),
    ...(second === null ? [] : [`second ${second} ${main}`, ...routeLines(prefixes, nextOf)]),
  ].sort(byRank);
}

/** Homes first, as the watcher looks for them: a host whose home relay is found answers, so its former address is not tried. */
export function byRank(one: string, other: string): number {
  const rank = (line: string): number => (line.startsWith("home ") ? 0 : 1);
  return rank(one) - rank(other) || (one < other ? -1 : 1);
}

/** The default route stays with the first interface, since it belongs to no single peer. */
function routeLines(prefixes: Rotating["prefixes"], nextOf: ReadonlyMap<string, string>): string[] {
  return [...prefixes].flatMap(([key, all]) => {
    const own = all.filter((prefix) => !prefix.endsWith("/0"));
    const next = nextOf.get(key);
    return own.length === 0
      ? []
      : [`route ${next === undefined ? key : `${key}:${next}`} ${own.join(",")}`];
  });
}
