/** The DNS domain under which every node has a name, `network.domain`. */
import { Mistake, quote } from "./mistake";
import { DNS_LABEL } from "./values";

/** Leaves room for a node's name of 63 characters and a dot in the 253 characters of a DNS name (RFC 1035). */
const MAX_LENGTH = 189;

/** Top-level domains that resolvers do not send to DNS servers (RFC 6761, 6762, 7686); of `arpa`, `home.arpa` is allowed. */
const NOT_DNS: Readonly<Record<string, string>> = {
  local: "belongs to multicast DNS (RFC 6762): many systems ask no DNS server for it",
  localhost: "always leads to the machine itself (RFC 6761)",
  invalid: "never resolves (RFC 6761)",
  onion: "belongs to Tor (RFC 7686)",
  arpa: "belongs to reverse lookups and the like (RFC 3172)",
};

/** Top-level domains without registration: reserved, or never to be delegated (RFC 6762, appendix G). */
const PRIVATE = ["internal", "lan", "home", "corp", "intranet", "private", "test"];

const REMEDY = "use a domain that cannot be registered, e.g. mesh.internal";

/** Two or more DNS labels. Lower case is not required, because DNS has no case; the result is lower case. */
export function parseDomain(written: string): string {
  const text = written.toLowerCase();
  const labels = text.split(".");
  const top = labels.at(-1) ?? "";
  if (!labels.every((label) => DNS_LABEL.test(label)) || /^\d+$/.test(top)) {
    throw new Mistake(`${quote(written)} is not a DNS domain`, REMEDY);
  }
  if (labels.length === 1) {
    const message = `${quote(written)} has one label: it would hide everything else under .${top}`;
    throw new Mistake(message, REMEDY);
  }
  if (text.length > MAX_LENGTH) {
    throw new Mistake(
      `has ${text.length} characters, which leaves no room for the names of nodes`,
      `use at most ${MAX_LENGTH} characters, e.g. mesh.internal`,
    );
  }
  const why = Object.hasOwn(NOT_DNS, top) && !isHomeArpa(text) ? NOT_DNS[top] : undefined;
  if (why !== undefined)
    throw new Mistake(`${quote(written)} cannot be used: .${top} ${why}`, REMEDY);
  return text;
}

/** Reports whether the domain cannot be registered on the internet. */
export function isPrivate(domain: string): boolean {
  return PRIVATE.includes(domain.slice(domain.lastIndexOf(".") + 1)) || isHomeArpa(domain);
}

/** RFC 8375 */
function isHomeArpa(domain: string): boolean {
  return domain === "home.arpa" || domain.endsWith(".home.arpa");
}
