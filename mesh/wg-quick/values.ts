/** The values of single settings in a wg-quick(8) file. Each parser throws a Mistake. */
import { enclosing, parseAddress, type Prefix } from "../addresses";
import { Mistake, quote } from "../config/mistake";
import { parseMtu as checkMtu } from "../config/values";
import type { InterfaceAddress } from "./file";

export { parseEndpoint, parsePublicKey } from "../config/values";

/** `ADDRESS` or `ADDRESS/LENGTH`. */
export function parseInterfaceAddress(text: string): InterfaceAddress {
  const [written = "", length, ...rest] = text.split("/");
  // The whole text is quoted: quote() would not recognize the parts of a misplaced key that contains a slash.
  if (rest.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length)))
    throw new Mistake(
      `${quote(text)} is not an address with a prefix length`,
      "write e.g. 10.86.0.2/24 or fd5c:10::2/64",
    );
  const address = parseAddress(written);
  return { ...address, length: lengthIn(length, address.family, text) };
}

/** wg(8) drops host bits. */
export function parseAllowedIps(text: string): Prefix {
  const { length, ...address } = parseInterfaceAddress(text);
  return enclosing(address, length);
}

export function parseListenPort(text: string): number | null {
  const port = numberIn(text, 65535, "a UDP port");
  return port === 0 ? null : port;
}

export function parseMtu(text: string): number {
  return checkMtu(numberIn(text, 65535, "an MTU"));
}

export function parseKeepalive(text: string): number {
  return text.toLowerCase() === "off" ? 0 : numberIn(text, 65535, "a number of seconds, or off");
}

function numberIn(text: string, most: number, what: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= most) return Number(text);
  throw new Mistake(`${quote(text)} is not ${what}`, `write a number from 0 to ${most}`);
}

function lengthIn(length: string | undefined, family: 4 | 6, text: string): number {
  const most = family === 4 ? 32 : 128;
  if (length === undefined) return most;
  if (Number(length) <= most) return Number(length);
  throw new Mistake(
    `${quote(text)} is not an address with a prefix length`,
    `its length is from 0 to ${most}`,
  );
}
