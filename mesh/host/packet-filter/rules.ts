/**
 * A host's packet filter in the terms of nft(8), also for rules of iptables(8). Only fields that matter here are kept; the others
 * are marked as unknown.
 */

export interface Table {
  /** The program whose output it was read from. */
  from: "nft" | "iptables";
  family: "ip" | "ip6" | "inet";
  name: string;
  chains: ReadonlyMap<string, Chain>;
}

export interface Chain {
  name: string;
  /** For a base chain of type filter, where packets come to it: `input`, `forward` and so on. Otherwise null. */
  hook: string | null;
  /** Whether its policy is drop. */
  drops: boolean;
  rules: Rule[];
}

export interface Rule {
  /** All must hold. */
  conditions: readonly Condition[];
  /** Nothing, one action, or those of a verdict map. */
  branches: readonly Branch[];
}

export interface Branch {
  /** The key in a verdict map; null for a plain action. */
  when: Condition | null;
  action: Action;
}

/** `unknown` may accept the packet: a program on the host (`queue`) or an unknown target decides. */
export type Action =
  { kind: "accept" | "drop" | "return" | "unknown" } | { kind: "jump" | "goto"; chain: string };

/**
 * The field of a condition. `input`, `output`: names of interfaces. `family`: ipv4, ipv6. `protocol`: above IP, by name or
 * number. `source`: addresses, prefixes and ranges. `port`: the destination's. `ping`: the type of an ICMP or ICMPv6 message.
 * `unknown`: anything else.
 */
export type Field =
  | "input"
  | "output"
  | "family"
  | "protocol"
  | "state"
  | "status"
  | "source"
  | "port"
  | "ping"
  | "unknown";

export interface Condition {
  field: Field;
  /** Holds for packets whose field is none of the values. */
  negated: boolean;
  /** One of them, in the words of nft(8), without quotes. Null if they are not understood. */
  values: readonly string[] | null;
}

/** May hold or not. */
export const UNKNOWN: Condition = { field: "unknown", negated: false, values: null };

export function oneOf(field: Field, ...values: string[]): Condition {
  return { field, negated: false, values };
}

/** Stands for rules that could not be read; may accept everything. */
export const UNREADABLE: Rule = {
  conditions: [UNKNOWN],
  branches: [{ when: null, action: { kind: "unknown" } }],
};

const harmless = new Set(
  (
    "LOG NFLOG ULOG TRACE AUDIT MARK CONNMARK SECMARK CONNSECMARK CT NOTRACK CLASSIFY DSCP TOS ECN TTL HL " +
    "TCPMSS TCPOPTSTRIP SET CHECKSUM RATEEST TEE IDLETIMER LED HMARK"
  ).split(" "),
);

/** The action of a target of iptables-extensions(8); null for one after which the next rule follows. */
export function actionOfTarget(target: string): Action | null {
  if (target === "ACCEPT") return { kind: "accept" };
  if (target === "DROP" || target === "REJECT") return { kind: "drop" };
  if (target === "RETURN") return { kind: "return" };
  return harmless.has(target) ? null : { kind: "unknown" };
}
