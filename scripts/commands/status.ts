/** `status`: the running network, compared with the plan. */
import { InvalidArgumentError, type Command } from "commander";
import { isAboutActivity } from "../../mesh/config/activity";
import { formatIssues } from "../../mesh/config/issue";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import type { Outdated } from "../../mesh/render/delivery";
import { joinBlocks, newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { outdatedText, pendingText } from "../cli/report-text";
import { writeOut } from "../cli/stdout";
import { queryHosts, type HostAnswers } from "../stack/query-hosts";
import { outdatedDevices } from "../stack/device-config";
import { findNode } from "../stack/failure";
import { openAccess } from "../stack/host-access";
import { openStack } from "../stack/open-stack";
import { pendingKeys } from "../stack/pending-keys";
import { silentNodes, silentText } from "./status/silent";
import { statusReport } from "./status/status-report";
import { statusText } from "./status/status-text";
import { LiveScreen, watchStatus, type Watched } from "./status/watch";
import { watchText } from "./status/watch-text";

interface StatusOptions extends CommonOptions {
  watch?: number | true;
}

const EVERY_S = 2;
/** On a terminal, known answers are shown early. Elsewhere it waits for all answers. */
const FIRST_MS = { onTerminal: 3_000, elsewhere: 20_000 };

export function statusCommand(): Command {
  return newCommand("status [nodes...]", {
    description:
      "Show the state of the network: a line for each node with its path, state, last handshake, endpoint and traffic, and what differs from the plan. The state of a device without a host is what its relay reports. With --watch it refreshes, and shows each tunnel with its rates. Changes nothing.",
    examples: ["status", "status desktop tokyo", "status --json", "status --watch"],
  })
    .option(...STACK_OPTION)
    .option(
      "-w, --watch [seconds]",
      `refresh every so many seconds (${EVERY_S}) until Ctrl-C; with --json one object a line`,
      seconds,
    )
    .action(status);
}

function seconds(text: string): number {
  const value = Number(text);
  if (value >= 1 && value <= 3600) return value;
  throw new InvalidArgumentError(
    "It is a number of seconds from 1 to 3600; nodes are named before it: status desktop --watch.",
  );
}

async function status(names: string[], options: StatusOptions): Promise<void> {
  const stack = openStack(options.stack);
  const access = await openAccess(stack);
  const { plan } = access;
  for (const name of names) findNode(name, plan.nodes);
  const nodes = plan.nodes.filter((node) => names.length === 0 || names.includes(node.name));
  const queried = withRelays(nodes, plan);
  // With names, not all neighbours of a rotating node are queried.
  const pendingIn = (answers: HostAnswers) =>
    names.length === 0 ? pendingKeys(plan, answers) : [];
  if (options.watch !== undefined) {
    const outdated = await outdatedDevices(stack);
    const everyS = options.watch === true ? EVERY_S : options.watch;
    const watch = { nodes, queried, access, everyMs: 1000 * everyS };
    const heading = `${access.owner}, every ${everyS} s`;
    const ok = await (options.json === true
      ? watchAsJson(watch, (answers) => ({ pending: pendingIn(answers), outdated }))
      : watchAsText(watch, heading, outdated));
    process.exitCode = ok ? 0 : 1;
    return;
  }
  const answers = await queryHosts(queried, access);
  const report = statusReport(nodes, access, answers);
  const pending = pendingIn(answers);
  const outdated = await outdatedDevices(stack);
  const leaving = stack.mesh.issues.filter(isAboutActivity);
  const silent = silentNodes(report);
  process.exitCode = report.ok ? 0 : 1;
  const text = [
    statusText(report, outdated),
    silentText(silent),
    pendingText(pending),
    outdatedText(outdated, plan),
    leaving.length === 0 ? "" : `Left out, or soon to be:\n${formatIssues(leaving)}`,
  ];
  const json = {
    ...report,
    silent,
    pending,
    outdated,
    ...(leaving.length === 0 ? {} : { leaving }),
  };
  print(options, json, joinBlocks(text, "\n\n"));
}

type Watch = Omit<Watched, "firstMs" | "show">;

function watchAsJson(watch: Watch, more: (answers: HostAnswers) => object): Promise<boolean> {
  return watchStatus({
    ...{ ...watch, firstMs: FIRST_MS.elsewhere },
    show: (report, links, answers) => {
      const round = { at: new Date().toISOString(), ...report, links, ...more(answers) };
      writeOut(`${JSON.stringify(round)}\n`);
    },
  });
}

async function watchAsText(
  watch: Watch,
  what: string,
  outdated: readonly Outdated[],
): Promise<boolean> {
  const screen = process.stdout.isTTY ? new LiveScreen() : null;
  try {
    return await watchStatus({
      ...{ ...watch, firstMs: screen === null ? FIRST_MS.elsewhere : FIRST_MS.onTerminal },
      show: (report, links) => {
        const heading = `${new Date().toTimeString().slice(0, 8)}  ${what}`;
        const round = { heading, report, links, outdated };
        if (screen === null) writeOut(`${watchText(round, null)}\n\n`);
        else screen.show(watchText(round, process.stdout.rows));
      },
    });
  } finally {
    screen?.close();
  }
}

/** Adds the relays of nodes without a host, whose state only their relays can report. */
function withRelays(nodes: readonly NodePlan[], plan: Plan): NodePlan[] {
  const relays = nodes.flatMap(({ hosts, relay }) => (hosts.length === 0 ? (relay ?? []) : []));
  return plan.nodes.filter((node) => nodes.includes(node) || relays.includes(node.name));
}
