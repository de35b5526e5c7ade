/** Commands that change nothing, on many hosts: those of the engine beside an empty program, those that ask hosts beside ssh. */
import * as fs from "node:fs";
import * as path from "node:path";
import { findRepository } from "../lab/repository";
import { log } from "../log";
import { WIDTH, subfolder, writeSshConfig, type Network } from "./contenders";
import type { CpuGroups } from "./cpu-groups";
import { costSample, exactly, type Figure, type Target } from "./figures";
import { costOf, measure, type Measured } from "./measure";
import { engine, MESH, withNetwork, type NetworkOptions } from "./network";

interface Options extends NetworkOptions {
  runs: number;
}

export function noChange(options: Options): Promise<Figure[]> {
  return withNetwork(options, async (network, groups) => [
    ...(await compare(network, groups, options.runs, await engineRuns(network))),
    ...(await compare(network, groups, options.runs, questions(network))),
  ]);
}

interface Comparison {
  ours: { what: string; argv: string[]; loginsEach: number };
  rival: { name: string; argv: string[] };
  target: Target;
}

/** `up` and `preview` without a change, beside those of an empty program. */
async function engineRuns(network: Network): Promise<Comparison[]> {
  const empty = await emptyProgram(network);
  return [["preview"], ["up", "--yes", "--skip-preview"]].map(([command = "", ...flags]) => {
    const argv = ["pulumi", command, ...flags, "--non-interactive"];
    return {
      ours: { what: `\`${command}\` without a change`, argv, loginsEach: 0 },
      rival: { name: "an empty program", argv: [...argv, ...empty] },
      target: { of: "ratio", most: 1.8 },
    };
  });
}

/** Creates an empty program with the same SDK, engine and backend. @returns the flags that select it */
export async function emptyProgram(network: Pick<Network, "lab" | "folder">): Promise<string[]> {
  const folder = subfolder(network, "empty");
  const project = "name: empty\nruntime: { name: nodejs, options: { typescript: false } }\n";
  fs.writeFileSync(path.join(folder, "Pulumi.yaml"), project);
  fs.writeFileSync(path.join(folder, "package.json"), '{ "main": "index.js" }\n');
  fs.writeFileSync(path.join(folder, "index.js"), "");
  fs.symlinkSync(path.join(findRepository(), "node_modules"), path.join(folder, "node_modules"));
  const flags = ["--cwd", folder, "--stack", "empty"];
  await engine(network.lab, "stack", "init", "empty", "--no-select", "--cwd", folder);
  await engine(network.lab, "up", "--yes", "--skip-preview", ...flags);
  return flags;
}

/** Commands that ask every host, beside a login to each that does nothing. */
function questions(network: Network): Comparison[] {
  const config = writeSshConfig(network);
  const hosts = network.hosts.join(" ");
  const login = `printf '%s\\n' ${hosts} | xargs -P ${WIDTH} -I{} ssh -F ${config} {} true`;
  const ssh = `ssh -P${WIDTH}, one login`;
  const question = (args: string[], rival: Comparison["rival"]): Comparison => ({
    ours: {
      what: `\`${args.filter((arg) => arg !== "--yes").join(" ")}\``,
      argv: [...MESH, ...args],
      loginsEach: 1,
    },
    ...{ rival, target: { of: "time", most: 1.5 } },
  });
  const alone = { name: ssh, argv: ["sh", "-c", login] };
  const withUp = {
    name: `\`up\` after ${ssh}`,
    argv: ["sh", "-c", `${login}; ${MESH.join(" ")} up --yes`],
  };
  return [
    question(["status"], alone),
    question(["doctor"], alone),
    question(["up", "--check", "--yes"], withUp),
  ];
}

/** Measures each command in turns with its rival. */
async function compare(
  { lab, hosts }: Network,
  groups: CpuGroups,
  runs: number,
  comparisons: Comparison[],
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { ours, rival, target } of comparisons) {
    const mine: Measured[] = [];
    const theirs: Measured[] = [];
    for (let run = 1; run <= runs; run++) {
      theirs.push(await measure(lab, groups, rival.argv));
      mine.push(await measure(lab, groups, ours.argv));
      log(`run ${run} of ${runs}: ${ours.what}: ${mine.at(-1)?.wallSeconds.toFixed(1) ?? ""} s`);
    }
    const what = `${ours.what}, ${hosts.length} hosts`;
    const section = "no-change";
    figures.push(
      {
        ...{ section, what, unit: "s", ours: costSample(mine.map(costOf)) },
        rival: { name: rival.name, ...costSample(theirs.map(costOf)) },
        ...{ target, headline: true },
      },
      {
        ...{ section, what: `${what}: logins`, unit: "logins" },
        ours: exactly(Math.max(...mine.map(({ logins }) => logins))),
        target: { of: "value", most: ours.loginsEach * hosts.length },
      },
    );
  }
  return figures;
}
