/** A large network of which some peers are pushed to, at two sizes, so that the table shows how the cost grows. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Lab } from "../lab/lab";
import { LabError } from "../lab/world";
import { log } from "../log";
import { costSample, exactly, sampleOf, type Figure, type Sample, type Target } from "./figures";
import { createLargeStack, withoutPeer } from "./large-network";
import { costOf, measure, type Measured } from "./measure";
import { benchFolder, engine, MESH, requestsIn, withCountedLab, worldOf } from "./network";
import { emptyProgram } from "./no-change";
import { stateSizeOf, type StateSize } from "./state-size";

interface Options {
  /** Destroys the network in the end and creates it again. */
  again?: true;
  /** Peers that are hosts of the lab, each with its own sshd. */
  hosts: number;
  peers: number;
  runs: number;
  /** The lab id. */
  id: string;
}

export interface Findings {
  /** `create` is the first `up`; `unsaved` creates it again and writes the state only at the end. */
  costs: Record<
    "create" | "unsaved" | "preview" | "up" | "review" | "add" | "empty" | "status",
    Measured[]
  >;
  /** The number of hosts with a login when a peer was added, for each run. */
  touched: number[];
  /** The number of lines that `wireguard-mesh preview` prints for one more peer. */
  lines: number;
  state: StateSize;
}

/** The devices do not exist, so their tunnels are dead. */
const DEVICES_ARE_DEAD = { codes: [0, 1] };
const NAMES: Partial<Record<string, string>> = {
  ...{ empty: "an empty program", up: "no change", create: "as by default" },
};
const UP = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"];

export async function scale({ hosts, peers, runs, id }: Options): Promise<Figure[]> {
  const half = (count: number): number => Math.ceil(count / 2);
  const small = await findings({ hosts: half(hosts), peers: half(peers), runs, id });
  return figuresOf(await findings({ hosts, peers, runs, id, again: true }), small, {
    hosts,
    peers,
  });
}

/** Measures one size: removes and adds a host of the lab in turns. */
export function findings({ hosts, peers, runs, id, again }: Options): Promise<Findings> {
  log(`building a lab of ${hosts} hosts and a relay, for ${peers} peers`);
  return withCountedLab(id, worldOf(hosts), async (lab, groups) => {
    const stack = await createLargeStack(lab, { hosts, peers });
    const folder = benchFolder(lab);
    const added = `p${hosts}`;
    const [full, less] = [fs.readFileSync(stack.file, "utf8"), withoutPeer(stack, added)];
    const empty = await emptyProgram({ lab, folder });
    const costs: Findings["costs"] = {
      ...{ create: [], unsaved: [], preview: [], up: [] },
      ...{ review: [], add: [], empty: [], status: [] },
    };
    const run = async (
      what: keyof Findings["costs"],
      argv: string[],
      options: Parameters<typeof measure>[3] = {},
    ): Promise<string> => {
      const measured = await measure(lab, groups, argv, options);
      log(`${peers} peers: ${what}: ${measured.wallSeconds.toFixed(1)} s`);
      costs[what].push(measured);
      return measured.stdout;
    };
    await run("create", UP, { bringsTunnels: true });
    const state = stateSizeOf(stateFile(lab.folder.engine), requestsIn(await exported(lab)));
    const touched: number[] = [];
    let lines = 0;
    for (let at = 1; at <= runs; at++) {
      await run("empty", [...UP, ...empty]);
      await run("up", UP);
      await run("preview", ["pulumi", "preview", "--non-interactive"]);
      await run("status", [...MESH, "status"], DEVICES_ARE_DEAD);
      fs.writeFileSync(stack.file, less);
      await engine(lab, "up", "--yes", "--skip-preview");
      fs.writeFileSync(stack.file, full);
      const stdout = await run("review", [...MESH, "preview"]);
      lines = Math.max(lines, stdout.trimEnd().split("\n").length);
      const logins = new Map(lab.hosts.map((host) => [host, lab.logins(host)]));
      await run("add", UP, { bringsTunnels: true });
      touched.push(lab.hosts.filter((host) => lab.logins(host) !== logins.get(host)).length);
    }
    if (again) {
      await engine(lab, "destroy", "--yes", "--skip-preview");
      await run("unsaved", ["env", "PULUMI_SKIP_CHECKPOINTS=true", ...UP], { bringsTunnels: true });
    }
    return { costs, touched, lines, state };
  });
}

function stateFile(engineFolder: string): string {
  const folder = path.join(engineFolder, "backend/.pulumi/stacks/wireguard-mesh");
  const file = fs.readdirSync(folder).find((name) => /^lab-.*\.json$/.test(name));
  if (file === undefined) throw new LabError(`${folder} has no state`);
  return path.join(folder, file);
}

function exported(lab: Lab): Promise<string> {
  return engine(lab, "stack", "export", "--show-secrets");
}

function figuresOf(
  { costs, touched, lines, state }: Findings,
  small: Findings,
  { hosts, peers }: Pick<Options, "hosts" | "peers">,
): Figure[] {
  const section = "scale";
  const cost = (all: Measured[]): Sample => costSample(all.map(costOf));
  const [full, half] = [peers, Math.ceil(peers / 2)].map((count) => count.toLocaleString("en"));
  const size = `${full ?? ""} peers, ${hosts} pushed`;
  const grows = (what: string, key: keyof Findings["costs"]): Figure => ({
    ...{ section, what: `${size}: ${what}`, unit: "s", ours: cost(costs[key]) },
    rival: { name: `${half ?? ""} peers`, ...cost(small.costs[key]) },
    target: { of: "ratio", most: 2.2 },
  });
  const beside = (
    what: string,
    key: keyof Findings["costs"],
    rival: keyof Findings["costs"],
    most?: number,
  ): Figure => ({
    ...{ section, what: `${size}: ${what}`, unit: "s", ours: cost(costs[key]) },
    rival: { name: NAMES[rival] ?? rival, ...cost(costs[rival]) },
    ...(most === undefined ? {} : { target: { of: "ratio", most } }),
  });
  const value = (what: string, unit: string, ours: Sample, target?: Target): Figure => ({
    ...{ section, what: `${size}: ${what}`, unit, ours },
    ...(target === undefined ? {} : { target }),
  });
  const megabytes = (all: Measured[]): Sample => sampleOf(all.map(({ memory }) => memory / 1e6));
  const written = (all: Measured[]): Sample => sampleOf(all.map((one) => one.written / 1e6));
  return [
    grows("the first `up`", "create"),
    value("its memory, engine and program", "MB", megabytes(costs.create)),
    {
      ...value("written by its engine", "MB", written(costs.create)),
      rival: { name: `${half ?? ""} peers`, ...written(small.costs.create) },
    },
    beside("the first `up`, PULUMI_SKIP_CHECKPOINTS", "unsaved", "create"),
    { ...beside("`up` without a change", "up", "empty", 4), headline: true },
    beside("`preview` without a change", "preview", "empty", 4),
    grows("`up` without a change", "up"),
    value("its memory, engine and program", "MB", megabytes(costs.up)),
    grows("`wireguard-mesh preview` of one peer added", "review"),
    { ...beside("one peer added", "add", "up", 1.5), headline: true },
    value("hosts that this pushes to", "hosts", sampleOf(touched), { of: "value", most: 2 }),
    value("lines of its preview", "lines", exactly(lines), { of: "value", most: 24 }),
    grows("`status`", "status"),
    value("state", "MB", exactly(state.bytes / 1e6)),
    value("state for a pushed peer", "bytes", exactly(state.eachHost)),
    value("state for a pushed peer, less 8 × its config", "bytes", exactly(state.beyondConfig), {
      ...{ of: "value", most: 6 * 1024 },
    }),
    value("state for a device", "bytes", exactly(state.eachDevice)),
  ];
}
