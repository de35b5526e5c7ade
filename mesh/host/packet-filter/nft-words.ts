/** The syntax of nft(8): selectors, their fields, comparisons and verdicts. */
import { oneOf, type Action, type Condition, type Field } from "./rules";

/** `field`: what is compared. `implied`: conditions that come with it: `udp dport` is a field of UDP packets only. */
export interface Selector {
  field: Field;
  implied: readonly Condition[];
}

export const OPERATORS = new Set([
  "==",
  "!=",
  "<",
  ">",
  "<=",
  ">=",
  "!",
  "&",
  "|",
  "^",
  "<<",
  ">>",
  "/",
]);
/** Metadata that is valid without the word `meta`. */
const META: Readonly<Record<string, Field>> = {
  iifname: "input",
  iif: "input",
  oifname: "output",
  oif: "output",
  iifgroup: "unknown",
  oifgroup: "unknown",
  iiftype: "unknown",
  oiftype: "unknown",
};
const META_KEYS: Readonly<Record<string, Field>> = {
  ...META,
  nfproto: "family",
  protocol: "family",
  l4proto: "protocol",
};
const CONNECTION_KEYS: Readonly<Record<string, Field>> = { state: "state", status: "status" };
/** Headers: the conditions that they imply and those of their fields that are known here. */
const HEADERS: Readonly<Record<string, { implied: Condition[]; fields: Record<string, Field> }>> = {
  ip: { implied: [oneOf("family", "ipv4")], fields: { saddr: "source", protocol: "protocol" } },
  ip6: { implied: [oneOf("family", "ipv6")], fields: { saddr: "source", nexthdr: "protocol" } },
  icmp: { implied: [oneOf("protocol", "icmp")], fields: { type: "ping" } },
  icmpv6: { implied: [oneOf("protocol", "ipv6-icmp")], fields: { type: "ping" } },
  th: { implied: [], fields: { dport: "port" } },
  udp: { implied: [oneOf("protocol", "udp")], fields: { dport: "port" } },
  tcp: { implied: [oneOf("protocol", "tcp")], fields: { dport: "port" } },
  sctp: { implied: [oneOf("protocol", "sctp")], fields: { dport: "port" } },
  dccp: { implied: [oneOf("protocol", "dccp")], fields: { dport: "port" } },
  udplite: { implied: [oneOf("protocol", "udplite")], fields: { dport: "port" } },
  igmp: { implied: [oneOf("protocol", "igmp")], fields: {} },
  esp: { implied: [oneOf("protocol", "esp")], fields: {} },
  ah: { implied: [oneOf("protocol", "ah")], fields: {} },
  comp: { implied: [oneOf("protocol", "comp")], fields: {} },
  ether: { implied: [], fields: {} },
  vlan: { implied: [], fields: {} },
  rt: { implied: [], fields: {} },
  socket: { implied: [], fields: {} },
};

/** Whether `word` is a selector without a second word. */
export function isSingle(word: string): boolean {
  return Object.hasOwn(META, word);
}

/** What `word` selects, with its second word `key`, which is not looked at if it has none. Null if it is not known here. */
export function selectorOf(word: string, key: string): Selector | null {
  if (isSingle(word)) return { field: fieldIn(META, word), implied: [] };
  if (word === "meta") return { field: fieldIn(META_KEYS, key), implied: [] };
  if (word === "ct") {
    // `ct original ip saddr`: of the connection's first packet, not of this one.
    if (key === "original" || key === "reply") return null;
    return { field: fieldIn(CONNECTION_KEYS, key), implied: [] };
  }
  const header = Object.hasOwn(HEADERS, word) ? HEADERS[word] : undefined;
  if (header === undefined) return null;
  return { field: fieldIn(header.fields, key), implied: header.implied };
}

/** The action of a verdict, whose next word is `next`; null for other words and for `continue`. */
export function verdictOf(word: string, next: string): Action | null {
  switch (word) {
    case "accept":
    case "drop":
    case "return":
      return { kind: word };
    case "reject":
      return { kind: "drop" };
    case "queue":
      return { kind: "unknown" };
    case "jump":
    case "goto":
      return { kind: word, chain: next };
    default:
      return null;
  }
}

/** `FIELD OPERATOR VALUES` as a condition. Values null: not understood. */
export function conditionOf(field: Field, operator: string, values: string[] | null): Condition {
  if (values === null) return { field, negated: false, values };
  switch (operator) {
    case "==":
      return { field, negated: false, values };
    case "!=":
    case "!":
      return { field, negated: true, values };
    default:
      return {
        field,
        negated: false,
        values: field === "port" ? rangeBeside(operator, values) : null,
      };
  }
}

/** The ports that are less or greater than one, as a range. */
function rangeBeside(operator: string, [text = "", ...rest]: string[]): string[] | null {
  if (rest.length > 0 || !/^\d{1,5}$/.test(text)) return null;
  const port = Number(text);
  switch (operator) {
    case "<":
      return [`0-${port - 1}`];
    case "<=":
      return [`0-${port}`];
    case ">":
      return [`${port + 1}-65535`];
    case ">=":
      return [`${port}-65535`];
    default:
      return null;
  }
}

function fieldIn(fields: Readonly<Record<string, Field>>, key: string): Field {
  return Object.hasOwn(fields, key) ? (fields[key] ?? "unknown") : "unknown";
}
