/** `graph`: a picture of the network. */
import { writeFileSync } from "node:fs";
import { Option, type Command } from "commander";
import { mermaidOf } from "../../mesh/graph/mermaid";
import { pictureOf, type Note, type Picture } from "../../mesh/graph/picture";
import { topologyOf, type Topology } from "../../mesh/graph/topology";
import { changedNetwork } from "../../mesh/graph/changes";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { isStdout } from "../cli/secret-output";
import { svgOf } from "../cli/svg";
import { log } from "../log";
import { Failure } from "../stack/failure";
import { queryHosts } from "../stack/query-hosts";
import { formerNetwork } from "../stack/former-network";
import { openAccess } from "../stack/host-access";
import { linkStates } from "../stack/link-states";
import { liveTopology } from "../stack/live-topology";
import { openStack, type OpenStack } from "../stack/open-stack";

type Format = "mermaid" | "svg";

interface GraphOptions extends CommonOptions {
  format?: Format;
  out?: string;
  live?: true;
  diff?: true;
  from?: string;
}

/** The network to draw, notes beside it, and the outcome of the command. */
interface Drawing {
  topology: Topology;
  notes: Note[];
  ok: boolean;
}

export function graphCommand(): Command {
  return newCommand("graph", {
    description:
      "Draw the network: relays, sites, links, LANs, and who leaves through an exit, as Mermaid text or as SVG. Without --live and --diff it needs neither the engine nor the hosts. The picture has no secrets.",
    examples: [
      "graph                     # Mermaid, for a page on GitHub or GitLab",
      "graph --out network.svg",
      "graph --live --out network.svg",
      "graph --diff",
      "graph --diff --from former.yaml",
    ],
  })
    .option(...STACK_OPTION)
    .addOption(
      new Option(
        "--format <format>",
        "mermaid, or svg; default: svg for an --out that ends in .svg, else mermaid",
      ).choices(["mermaid", "svg"]),
    )
    .option("-o, --out <file>", "write it to this file; - is stdout")
    .option("--live", "query the hosts, and show what works, as `status` does")
    .option("--diff", "mark what the next `up` adds and removes")
    .option("--from <file>", "with --diff: compare with this stack file; - is stdin")
    .action(graph);
}

async function graph(options: GraphOptions): Promise<void> {
  const { out = "-" } = options;
  const format = options.format ?? formatFor(out);
  const drawn = await networkOf(openStack(options.stack), options);
  const picture = pictureOf(drawn.topology, drawn.notes);
  const text = format === "svg" ? await svgOf(picture) : mermaidText(picture);
  process.exitCode = drawn.ok ? 0 : 1;
  const { topology, ok } = drawn;
  if (isStdout(out)) print(options, { ok, format, ...topology, picture: text }, text);
  else {
    write(out, text);
    print(options, { ok, format, ...topology, file: out }, `${out} is the picture of the network.`);
  }
}

function formatFor(out: string): Format {
  if (/\.(png|jpe?g|gif|webp|pdf)$/i.test(out))
    throw new Failure(
      `graph writes SVG or Mermaid text, and ${out} would be neither`,
      `name it ${out.replace(/\.\w+$/, ".svg")}, and convert that`,
      2,
    );
  return out.endsWith(".svg") ? "svg" : "mermaid";
}

async function networkOf(stack: OpenStack, options: GraphOptions): Promise<Drawing> {
  const isDiff = options.diff === true || options.from !== undefined;
  if (isDiff && options.live === true)
    throw new Failure("a picture shows either --live or --diff", "draw two pictures", 2);
  if (options.live === true) return liveNetwork(stack);
  const plan = stack.filePlan();
  if (!isDiff) return { topology: topologyOf(plan), notes: [], ok: true };
  return { ...changedNetwork(plan, await formerNetwork(stack, options.from)), ok: true };
}

/** Not ok if a link is dead, or a host was not reached. */
async function liveNetwork(stack: OpenStack): Promise<Drawing> {
  const plan = await stack.plan();
  const answers = await queryHosts(plan.nodes, await openAccess(stack));
  const links = linkStates(plan, answers);
  const isReached = [...answers.values()].every(({ reachable }) => reachable);
  const ok = isReached && links.every(({ state }) => state !== "dead");
  return { topology: liveTopology(plan, links, answers), notes: [], ok };
}

/** Mermaid's default limits, `maxEdges` and `maxTextSize`, which a page cannot change. */
const LIMITS = { lines: 500, letters: 50_000 };

function mermaidText(picture: Picture): string {
  const text = mermaidOf(picture);
  if (picture.lines.length > LIMITS.lines || text.length > LIMITS.letters)
    log("This picture is larger than Mermaid draws; use --format svg.");
  return text;
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new Failure(`${file} could not be written: ${(error as Error).message}`);
  }
}
