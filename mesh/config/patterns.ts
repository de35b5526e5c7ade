/** Patterns and bounds of single values: the checks that editors can do too. The parsers in values.ts check the rest. */

/** A lower-case DNS label (RFC 1123) without `--`. */
export const NAME = /^(?!.*--)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** wg-quick(8) */
export const INTERFACE = /^[A-Za-z0-9_=+.-]{1,15}$/;
/** A date, or a full time with its zone (ISO 8601). */
export const MOMENT =
  /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** `HOST:PORT`: IPv4, [IPv6] or a DNS name. */
export const ENDPOINT = /^(?:\[([^\]]*)\]|([^:[\]]+)):(\d{1,5})$/;
export const HOST = /^(local|[^@]+@.+)$/;
export const SSH_KEY = /^\s*(ssh|ecdsa|sk)-\S+\s+\S/;

export const IPV4 = /^[\d.]+$/;
export const ADDRESS = /^[\da-fA-F:.]+$/;
export const PREFIX = /^[\da-fA-F:.]+\/\d+$/;

/** Whole numbers from `minimum` to `maximum`. */
export interface Bounds {
  minimum: number;
  maximum?: number;
}

export const PORT = { minimum: 1, maximum: 65535 };
/** wg(8), PersistentKeepalive: 0 is off. */
export const KEEPALIVE = { minimum: 0, maximum: 65535 };
/** Every IPv4 host accepts 576 bytes (RFC 791). rules-addresses.ts checks the minimum for IPv6, 1280. */
export const MTU = { minimum: 576, maximum: 65456 };

export function isWithin(value: number, { minimum, maximum = Infinity }: Bounds): boolean {
  return Number.isInteger(value) && value >= minimum && value <= maximum;
}
