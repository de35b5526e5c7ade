/** Parses the output of `iptables-save -t filter` (iptables-extensions(8)) into the terms of nft(8). */
import {
  actionOfTarget,
  UNKNOWN,
  type Action,
  type Chain,
  type Condition,
  type Field,
  type Rule,
  type Table,
} from "./rules";
import { words } from "./quoted-words";

/** An option with one argument: its field, and its values in the terms of nft(8); null if they are not understood. */
interface Option {
  field: Field;
  values: (argument: string) => string[] | null;
}

const interfaces = (name: string): string[] => [name.replace(/\+$/, "*")];
const ports = (list: string): string[] => list.replaceAll(":", "-").split(",");
const states = (list: string): string[] => list.toLowerCase().split(",");
const one = (word: string): string[] => [word];

const OPTIONS: Readonly<Record<string, Option>> = {
  "-i": { field: "input", values: interfaces },
  "-o": { field: "output", values: interfaces },
  "-p": { field: "protocol", values: one },
  "-s": { field: "source", values: one },
  "--ctstate": { field: "state", values: states },
  "--state": { field: "state", values: states },
  "--dport": { field: "port", values: ports },
  "--dports": { field: "port", values: ports },
  "--icmp-type": { field: "ping", values: (type) => (/^\d+$/.test(type) ? [type] : null) },
};
/** Modules that match nothing by themselves, without an option. */
const MODULES = new Set(["tcp", "udp", "icmp", "conntrack", "state", "multiport", "comment"]);
/** Options that match nothing, with their one argument. */
const REMARKS = new Set(["--comment"]);

/** The table `filter`, or nothing if the output is not complete. Takes linear time. */
export function parseIptablesSave(lines: Iterable<string>): Table[] {
  const chains = new Map<string, Chain>();
  let inFilter = false;
  let complete = false;
  for (const line of lines) {
    if (line.startsWith("*")) inFilter = line.trim() === "*filter";
    else if (!inFilter) continue;
    else if (line.startsWith("COMMIT")) complete = true;
    else if (line.startsWith(":")) declare(line, chains);
    else if (line.startsWith("-A ")) append(line, chains);
  }
  return complete ? [{ from: "iptables", family: "ip", name: "filter", chains }] : [];
}

/** `:INPUT DROP [0:0]`; a chain without a policy is not a base chain. */
function declare(line: string, chains: Map<string, Chain>): void {
  const [name = "", policy = "-"] = words(line.slice(1), "", true);
  const hook = policy === "-" ? null : name.toLowerCase();
  chains.set(name, { name, hook, drops: policy === "DROP", rules: [] });
}

function append(line: string, chains: ReadonlyMap<string, Chain>): void {
  const [, name = "", ...rule] = words(line, "", true);
  chains.get(name)?.rules.push(parseRule(rule, chains));
}

function parseRule(rule: readonly string[], chains: ReadonlyMap<string, Chain>): Rule {
  const conditions: Condition[] = [];
  let negated = false;
  for (let at = 0; at < rule.length; at++) {
    const word = rule[at] ?? "";
    const argument = rule[at + 1] ?? "";
    if (word === "!") {
      negated = true;
      continue;
    }
    if (word === "-j" || word === "-g")
      return { conditions, branches: branches(word, argument, chains) };
    const option = Object.hasOwn(OPTIONS, word) ? OPTIONS[word] : undefined;
    if (option !== undefined)
      conditions.push({ field: option.field, negated, values: option.values(argument) });
    else if (word === "-m" ? !MODULES.has(argument) : !REMARKS.has(word)) conditions.push(UNKNOWN);
    if (option !== undefined || word === "-m" || REMARKS.has(word)) at++;
    negated = false;
  }
  return { conditions, branches: [] };
}

function branches(
  word: "-j" | "-g",
  target: string,
  chains: ReadonlyMap<string, Chain>,
): Rule["branches"] {
  const jump: Action = { kind: word === "-g" ? "goto" : "jump", chain: target };
  const action = chains.has(target) ? jump : actionOfTarget(target);
  return action === null ? [] : [{ when: null, action }];
}
