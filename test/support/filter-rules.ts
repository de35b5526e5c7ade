/** Random packet filters in the words of nft(8) and iptables(8), and what becomes of single packets in them. */
import fc from "fast-check";
import { isInPrefix } from "./address-bits";

/** `port`: a destination port of UDP or TCP; `ping`: a type of ICMP message. Values are those of nft(8). */
export interface Match {
  field: "input" | "output" | "protocol" | "udp" | "tcp" | "ping" | "source" | "state" | "mark";
  negated: boolean;
  values: string[];
}

export interface FilterRule {
  matches: Match[];
  /** `accept`, `drop`, `reject`, `return`, `jump N` or `goto N`; null: it is only counted. */
  verdict: string | null;
}

/** Chain 0 is the base chain; jumps lead to later ones. */
export interface Filter {
  policy: "accept" | "drop";
  chains: FilterRule[][];
}

export interface ConcretePacket {
  input: string;
  output: string;
  protocol: "udp" | "tcp" | "icmp";
  /** Port, or type of message. */
  detail: string;
  source: string;
  state: string;
  mark: string;
}

export type Dialect = "nft" | "iptables";

const VALUES: Record<Match["field"], string[]> = {
  input: ["wg0", "wg*", "eth0", "docker0", "lo"],
  output: ["wg0", "wg*", "eth0", "docker0"],
  protocol: ["udp", "tcp", "icmp"],
  udp: ["53", "51820", "51000-52000", "1-1023"],
  tcp: ["22", "443", "1-1023"],
  ping: ["echo-request", "echo-reply"],
  source: ["198.51.100.0/24", "100.64.0.0/10", "100.64.7.0/25", "10.0.0.0/8"],
  state: ["new", "established", "related", "invalid"],
  mark: ["0x00000001", "0x00000002"],
};

/** Filters whose rules look only at `fields`. */
export function filters(fields: Match["field"][], dialect: Dialect): fc.Arbitrary<Filter> {
  const match = fc.constantFrom(...fields).chain((field): fc.Arbitrary<Match> => {
    const listed = dialect === "nft" ? field !== "mark" : ["udp", "tcp", "state"].includes(field);
    const values = fc.uniqueArray(fc.constantFrom(...VALUES[field]), {
      minLength: 1,
      maxLength: listed ? 3 : 1,
    });
    return fc.record({ field: fc.constant(field), negated: fc.boolean(), values });
  });
  const chainAt = (index: number) => {
    const jumps = [1, 2, 3].filter((other) => other > index);
    const verdicts = ["accept", "drop", "reject", "return"];
    const targets = jumps.flatMap((other) => [`jump ${other}`, `goto ${other}`]);
    return fc.array(
      fc.record({
        matches: fc.array(match, { maxLength: 3 }).map((all) => all.filter(isFirst(dialect))),
        verdict: fc.constantFrom<string | null>(null, ...verdicts, ...targets),
      }),
      { maxLength: 4 },
    );
  };
  return fc.record({
    policy: fc.constantFrom<"accept" | "drop">("accept", "drop"),
    chains: fc.tuple(chainAt(0), chainAt(1), chainAt(2), chainAt(3)),
  });
}

/** iptables(8) takes each option once, and one protocol. */
function isFirst(dialect: Dialect): (match: Match, at: number, all: Match[]) => boolean {
  const option = ({ field }: Match) => {
    return ["protocol", "udp", "tcp", "ping"].includes(field) ? "-p" : field;
  };
  return (match, at, all) =>
    dialect === "nft" || all.findIndex((other) => option(other) === option(match)) === at;
}

export function linesOf(filter: Filter, hook: "input" | "forward", dialect: Dialect): string[] {
  return dialect === "nft" ? nftLines(filter, hook) : iptablesLines(filter, hook);
}

function nftLines({ policy, chains }: Filter, hook: string): string[] {
  const chainLines = chains.flatMap((rules, index) => [
    `\tchain chain${index} {`,
    ...(index === 0 ? [`\t\ttype filter hook ${hook} priority filter; policy ${policy};`] : []),
    ...rules.map(({ matches, verdict }) => {
      const words = [...matches.map(nftMatch), "counter packets 3 bytes 252"];
      return `\t\t${[...words, verdict === null ? 'log prefix "drop "' : targetIn(verdict)].join(" ")}`;
    }),
    "\t}",
  ]);
  return ["table inet filter {", ...chainLines, "}"];
}

function targetIn(verdict: string): string {
  return verdict
    .replace(/ (\d)/, " chain$1")
    .replace("reject", "reject with icmpx port-unreachable");
}

function nftMatch({ field, negated, values }: Match): string {
  const selector = {
    input: "iifname",
    output: "oifname",
    protocol: "meta l4proto",
    udp: "udp dport",
    tcp: "tcp dport",
    ping: "icmp type",
    source: "ip saddr",
    state: "ct state",
    mark: "meta mark",
  }[field];
  const quoted = values.map((it) => (field === "input" || field === "output" ? `"${it}"` : it));
  const value = quoted.length === 1 ? (quoted[0] ?? "") : `{ ${quoted.join(", ")} }`;
  return `${selector} ${negated ? "!= " : ""}${value}`;
}

function iptablesLines({ policy, chains }: Filter, hook: string): string[] {
  const name = (index: number) => (index === 0 ? hook.toUpperCase() : `chain${index}`);
  const declared = chains.map((_, index) => {
    return `:${name(index)} ${index === 0 ? policy.toUpperCase() : "-"} [0:0]`;
  });
  const rules = chains.flatMap((all, index) =>
    all.map(({ matches, verdict }) => {
      const [word = "", target] = (verdict ?? "log").split(" ");
      const jump = `${word === "goto" ? "-g" : "-j"} ${target === undefined ? word.toUpperCase() : `chain${target}`}`;
      return ["-A", name(index), ...matches.map(iptablesMatch), jump].join(" ");
    }),
  );
  return ["*filter", ...declared, ...rules, "COMMIT"];
}

function iptablesMatch({ field, negated, values }: Match): string {
  const not = negated ? "! " : "";
  const list = values.map((it) => it.replace("*", "+").replace("-", ":")).join(",");
  const port = values.length > 1 ? `-m multiport ${not}--dports ${list}` : `${not}--dport ${list}`;
  return {
    input: `${not}-i ${list}`,
    output: `${not}-o ${list}`,
    protocol: `${not}-p ${list}`,
    udp: `-p udp -m udp ${port}`,
    tcp: `-p tcp -m tcp ${port}`,
    ping: `-p icmp -m icmp ${not}--icmp-type ${values[0] === "echo-request" ? 8 : 0}`,
    source: `${not}-s ${list}`,
    state: `-m conntrack ${not}--ctstate ${list.toUpperCase()}`,
    mark: `-m mark ${not}--mark ${list}`,
  }[field];
}

/** Whether one packet gets through: rule by rule, as the kernel does it. */
export function passes(packet: ConcretePacket, { policy, chains }: Filter): boolean {
  const end = endIn(0);
  return end === "return" ? policy === "accept" : end === "accept";

  function endIn(index: number): "accept" | "drop" | "return" {
    for (const { matches, verdict } of chains[index] ?? []) {
      if (verdict === null || !matches.every((match) => isMatched(packet, match))) continue;
      const [word, target] = verdict.split(" ");
      if (target === undefined)
        return word === "reject" ? "drop" : (word as "accept" | "drop" | "return");
      const end = endIn(Number(target));
      if (end !== "return" || word === "goto") return end;
    }
    return "return";
  }
}

function isMatched(packet: ConcretePacket, { field, negated, values }: Match): boolean {
  if (field === "udp" || field === "tcp") {
    return packet.protocol === field && negated !== values.some((it) => isPort(packet.detail, it));
  }
  if (field === "ping") {
    return packet.protocol === "icmp" && negated !== values.includes(packet.detail);
  }
  const found = values.some((value) => {
    if (field === "source") return isInPrefix(packet.source, value);
    return value.endsWith("*")
      ? packet[field].startsWith(value.slice(0, -1))
      : packet[field] === value;
  });
  return negated !== found;
}

function isPort(port: string, value: string): boolean {
  const [first = "", last = first] = value.split("-");
  return Number(first) <= Number(port) && Number(port) <= Number(last);
}
