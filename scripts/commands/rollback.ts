/** `rollback`: restores a state that a host confirmed before. */
import { InvalidArgumentError, type Command } from "commander";
import pc from "picocolors";
import { formatTime } from "../../mesh/config/activity";
import type { NodePlan } from "../../mesh/plan/plan";
import { indented, newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { failedLine } from "../cli/report-text";
import { wrapLines } from "../cli/wrap";
import { PushError } from "../push/push-error";
import { Failure, findNode } from "../stack/failure";
import { openAccess } from "../stack/host-access";
import { openStack } from "../stack/open-stack";
import { runPush } from "../stack/push-again";
import {
  changesBetween,
  chooseState,
  storedStates,
  rollbackTo,
  type StoredStates,
} from "../stack/rollback";

interface RollbackOptions extends CommonOptions {
  to?: number;
  list?: true;
}

export function rollbackCommand(): Command {
  return newCommand("rollback <node>", {
    description:
      "Take a host back to the state that it had confirmed before the current one. A host keeps the last five states; those that do not differ from the current one are passed over. A rollback is a push like any other: the host undoes it if it cuts off the login. Peers that are no longer in the network are left out. The stack file is not changed: `repush` undoes the rollback.",
    examples: ["rollback nas", "rollback nas --list", "rollback nas --to 4"],
  })
    .option(...STACK_OPTION)
    .option("--to <push>", "the number of the push, as --list shows it", parseSerial)
    .option("-l, --list", "show the states that the host keeps, and change nothing")
    .option("-y, --yes", "accepted for scripts: rollback asks nothing")
    .action(rollback);
}

function parseSerial(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError("It is a number.");
  return Number(text);
}

async function rollback(name: string, options: RollbackOptions): Promise<void> {
  const stack = openStack(options.stack);
  const access = await openAccess(stack);
  const node = findNode(name, access.plan.nodes);
  if (node.hosts.length === 0)
    throw new Failure(
      `${name} is not pushed to`,
      `its config: npx wireguard-mesh config ${name}`,
      2,
    );
  try {
    const stored = await storedStates(node, access);
    if (options.list === true) {
      list(node, stored, options);
      return;
    }
    const to = chooseState(stored, node, options.to);
    const { request, leftOut } = rollbackTo(to, stored, node, access);
    const { outcome, through } = await runPush(request);
    const state = stateOf(to, node, stored);
    print(
      options,
      { ok: true, node: name, from: stored.present, to, outcome, through, leftOut, ...state },
      doneText({ name, to, through, leftOut, ...state }),
    );
  } catch (error) {
    if (!(error instanceof PushError)) throw error;
    const reason = error.reason(name);
    process.exitCode = 1;
    print(options, { ok: false, node: name, reason }, failedLine(name, reason));
  }
}

interface State {
  /** When the host confirmed it, by its own clock; null: unknown. */
  at: string | null;
  /** The changes from the current state; null if that is not stored. */
  changes: string[] | null;
}

function stateOf(serial: number, node: NodePlan, { states, present }: StoredStates): State {
  const [state, now] = [states.get(serial), states.get(present)];
  if (state === undefined) return { at: null, changes: null };
  const changes = now === undefined ? null : changesBetween(node, now, state);
  return { at: state.at === null ? null : formatTime(state.at), changes };
}

function list(node: NodePlan, stored: StoredStates, options: RollbackOptions): void {
  const serials = [...stored.states.keys()].sort((a, b) => b - a);
  const states = serials.map((serial) => ({ push: serial, ...stateOf(serial, node, stored) }));
  const lines = states.map(({ push, at, changes }) => {
    const head = `push ${push}, ${at ?? "at an unknown time"}`;
    return push === stored.present ? `${head}: the present one` : withChanges(`${head}:`, changes);
  });
  const text = lines.length === 0 ? `${node.name} keeps no state yet.` : lines.join("\n");
  print(options, { node: node.name, present: stored.present, states }, text);
}

function withChanges(head: string, changes: string[] | null): string {
  if (changes === null) return head.replace(/:$/, "");
  return [head, indented(changes.length === 0 ? ["no difference in its config"] : changes)].join(
    "\n",
  );
}

interface Done extends State {
  name: string;
  to: number;
  through: string;
  leftOut: string[];
}

function doneText({ name, to, at, through, changes, leftOut }: Done): string {
  const head = `${pc.green("rolled back:")} ${name}, to push ${to}${at === null ? "" : ` of ${at}`} (${through})`;
  const out = `Left out, because they are no longer in the network: ${leftOut.join(", ")}`;
  return [
    changes === null ? head : withChanges(head, changes),
    ...(leftOut.length === 0 ? [] : [wrapLines(out)]),
    "",
    wrapLines(
      "The stack still has the newer config, so `status` shows what differs, and `up` pushes here only if that config changes.",
    ),
    `To undo the rollback: npx wireguard-mesh repush ${name}`,
    "To keep it: change the stack file, and run up",
  ].join("\n");
}
