/** Follows a packet through the chains of a packet filter, to find out whether it can pass. */
import type { Family } from "../../addresses";
import { both, holds, meets, type Packet } from "./match";
import type { Action, Chain, Rule, Table } from "./rules";

/** Possible results of a chain. */
interface Ends {
  /** It may accept the packet, or do something unknown. */
  accepted: boolean;
  /** The packet may reach the end of the chain. */
  undecided: boolean;
}

/** Comparisons left, over all walks. At zero, everything counts as accepted. */
export interface Budget {
  left: number;
}

interface Walk {
  packet: Packet;
  chains: ReadonlyMap<string, Chain>;
  budget: Budget;
  /** Results by chain; they do not depend on the caller. */
  known: Map<Chain, Ends>;
}

/** More than twice what the kernel allows in nft(8) rules. */
const MAX_JUMPS = 40;
const ANYTHING: Ends = { accepted: true, undecided: true };
/** Parsing an address takes longer than comparing a word. */
const ADDRESS_COST = { 4: 10, 6: 100 };

/** The base chains at the packet's hook that certainly drop it. */
export function blockingChains(
  tables: readonly Table[],
  packet: Packet,
  budget: Budget,
): Blocking[] {
  const otherFamily = packet.family === 4 ? "ip6" : "ip";
  return tables
    .filter(({ family }) => family !== otherFamily)
    .flatMap((table) => {
      const walk = { packet, chains: table.chains, budget, known: new Map<Chain, Ends>() };
      return [...table.chains.values()]
        .filter((chain) => chain.hook === packet.hook && blocks(chain, walk))
        .map((chain) => ({ table, chain }));
    });
}

export interface Blocking {
  table: Table;
  chain: Chain;
}

function blocks(chain: Chain, walk: Walk): boolean {
  const { accepted, undecided } = endsIn(chain, walk, 0);
  return !accepted && (chain.drops || !undecided);
}

function endsIn(chain: Chain | undefined, walk: Walk, jumps: number): Ends {
  if (chain === undefined || jumps > MAX_JUMPS || walk.budget.left <= 0) return ANYTHING;
  const known = walk.known.get(chain);
  if (known !== undefined) return known;
  // Guards against loops, which the kernel does not allow.
  walk.known.set(chain, ANYTHING);
  const ends = endsOf(chain, walk, jumps);
  walk.known.set(chain, ends);
  return ends;
}

function endsOf(chain: Chain, walk: Walk, jumps: number): Ends {
  let undecided = false;
  for (const rule of chain.rules) {
    const step = stepOver(rule, walk, jumps);
    if (step.accepted) return ANYTHING;
    undecided ||= step.undecided;
    if (!step.goesOn) return { accepted: false, undecided };
  }
  return { accepted: false, undecided: true };
}

/** Possible results of a rule; `goesOn`: the packet may reach the next rule. */
function stepOver(rule: Rule, walk: Walk, jumps: number): Ends & { goesOn: boolean } {
  const { packet, budget } = walk;
  const step = { accepted: false, undecided: false, goesOn: true };
  budget.left -= costOf(rule, packet.family);
  if (budget.left <= 0) return { ...ANYTHING, goesOn: true };
  const sure = meets(packet, rule);
  if (sure === "no") return step;
  for (const { when, action } of rule.branches) {
    const chosen = when === null ? "yes" : holds(when, packet);
    if (chosen === "no") continue;
    const after = afterAction(action, walk, jumps);
    step.accepted ||= after.accepted;
    step.undecided ||= after.undecided;
    if (both(sure, chosen) === "yes") step.goesOn = after.goesOn;
    // The other keys of the verdict map cannot match.
    if (chosen === "yes") break;
  }
  return step;
}

function afterAction(action: Action, walk: Walk, jumps: number): Ends & { goesOn: boolean } {
  switch (action.kind) {
    case "accept":
      return { accepted: true, undecided: false, goesOn: false };
    case "drop":
      return { accepted: false, undecided: false, goesOn: false };
    case "return":
      return { accepted: false, undecided: true, goesOn: false };
    case "unknown":
      return { accepted: true, undecided: false, goesOn: true };
    case "jump": {
      const { accepted, undecided } = endsIn(walk.chains.get(action.chain), walk, jumps + 1);
      return { accepted, undecided: false, goesOn: undecided };
    }
    case "goto":
      return { ...endsIn(walk.chains.get(action.chain), walk, jumps + 1), goesOn: false };
  }
}

function costOf({ conditions, branches }: Rule, family: Family): number {
  let cost = 1 + branches.length;
  for (const { field, values } of conditions) {
    cost += 1 + (values?.length ?? 0) * (field === "source" ? ADDRESS_COST[family] : 1);
  }
  return branches.length > 1 ? cost + branches.length * ADDRESS_COST[family] : cost;
}
