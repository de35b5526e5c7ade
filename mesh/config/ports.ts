/** Ports as a policy names them: `tcp/443`, `udp/53`, `tcp/8000-8100`. */
import { Mistake, quote } from "./mistake";

export interface PortRange {
  protocol: "tcp" | "udp";
  first: number;
  last: number;
}

export const PORTS = /^(tcp|udp)\/(\d{1,5})(?:-(\d{1,5}))?$/;

export function parsePorts(text: string): PortRange {
  const match = PORTS.exec(text);
  const [, protocol, from = "", to = from] = match ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (match !== null && first >= 1 && last <= 65535 && first <= last)
    return { protocol: protocol === "tcp" ? "tcp" : "udp", first, last };
  throw new Mistake(
    `${quote(text)} is not a port`,
    "write PROTOCOL/PORT or PROTOCOL/FIRST-LAST, e.g. tcp/443, udp/53 or tcp/8000-8100",
  );
}

export function formatPorts({ protocol, first, last }: PortRange): string {
  return `${protocol}/${first}${first === last ? "" : `-${last}`}`;
}

/** The same ports as disjoint ranges with gaps between them: TCP first, in ascending order. */
export function mergePorts(ports: readonly PortRange[]): PortRange[] {
  const sorted = [...ports].sort(
    (a, b) => (a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : 0) || a.first - b.first,
  );
  const merged: PortRange[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last?.protocol === range.protocol && range.first <= last.last + 1)
      last.last = Math.max(last.last, range.last);
    else merged.push({ ...range });
  }
  return merged;
}

/** Reports whether `wanted` is among `open`, which mergePorts has returned. */
export function includesPorts(open: readonly PortRange[], wanted: PortRange): boolean {
  return open.some(
    ({ protocol, first, last }) =>
      protocol === wanted.protocol && first <= wanted.first && wanted.last <= last,
  );
}

/** Reports whether any port of `wanted` is among `open`. */
export function overlapsPorts(open: readonly PortRange[], wanted: PortRange): boolean {
  return open.some(
    ({ protocol, first, last }) =>
      protocol === wanted.protocol && first <= wanted.last && wanted.first <= last,
  );
}
