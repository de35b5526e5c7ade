/** A review as text for a terminal, 80 columns wide. */
import pc from "picocolors";
import type { ExitChange, PathChange, PathChanges } from "../../mesh/review/path-changes";
import type { NodeChange, Review } from "../../mesh/review/review";
import { OUTSIDE } from "../../mesh/plan/reachability";
import { isEmpty } from "../../mesh/review/review";
import { shortList } from "../../mesh/review/short-list";
import type { CloudChange } from "../stack/engine-events";
import { joinBlocks } from "./command";
import { wrapped } from "./wrap";

/** More nodes and paths than these are only counted. */
const MAX_NODES = 30;
const MAX_PATHS = 12;

/** At least this many nodes with the same changes are one entry. */
const MIN_ALIKE = 4;

export function reviewText(review: Review, cloud: readonly CloudChange[] = []): string {
  if (isEmpty(review) && cloud.length === 0) return "Nothing to do: the network is as planned.";
  return joinBlocks(
    [
      nodesBlock(review.nodes),
      cloudBlock(cloud),
      pathsBlock(review.paths),
      restartsBlock(review.restarts),
      overlapsBlock(review.overlaps ?? []),
    ],
    "\n\n",
  );
}

/** A label and its lines, e.g. `tokyo` and `+ peer p33`. */
interface Entry {
  label: string;
  lines: string[];
}

function nodesBlock(nodes: readonly NodeChange[]): string {
  const entries = entriesOf(nodes);
  const shown = entries.slice(0, MAX_NODES);
  const width = Math.min(20, Math.max(0, ...shown.map(({ label }) => label.length)));
  const lines = shown.flatMap(({ label, lines: changes }) =>
    changes.map((change, at) => {
      const name = at === 0 ? label.padEnd(width) : " ".repeat(Math.max(width, label.length));
      return coloured(change, `  ${name}  ${change.slice(0, 2)}`);
    }),
  );
  const more = entries.length - shown.length;
  if (lines.length === 0) return "";
  return [
    pc.bold("Changes"),
    ...lines,
    ...(more > 0 ? [`  and ${more} more: add --json, or --diff`] : []),
  ].join("\n");
}

function entriesOf(nodes: readonly NodeChange[]): Entry[] {
  const alike = new Map<string, NodeChange[]>();
  for (const node of nodes) {
    const key = node.lines.join("\n");
    alike.set(key, [...(alike.get(key) ?? []), node]);
  }
  return [...alike.values()].flatMap((group): Entry[] => {
    const [{ lines }] = group as [NodeChange];
    if (group.length < MIN_ALIKE) return group.map(({ node }) => ({ label: node, lines }));
    const names = shortList(group.map(({ node }) => node));
    return [{ label: `${group.length} nodes`, lines: [...lines, `  on ${names}`] }];
  });
}

/** `lead` ends with the sign of the change. Only the sign is coloured, so the text is readable on any background. */
function coloured(change: string, lead: string): string {
  const text = wrapped(lead, change.slice(2));
  return paint(change, text, lead.length - 2);
}

function paint(change: string, text: string, at: number): string {
  const colour = COLOURS[change[0] ?? ""];
  if (colour === undefined) return text;
  return text.slice(0, at) + colour(text.slice(at, at + 1)) + text.slice(at + 1);
}

const COLOURS: Readonly<Record<string, (text: string) => string>> = {
  "+": pc.green,
  "-": pc.red,
  "~": pc.yellow,
};

const SIGNS = { create: "+", delete: "-", update: "~", replace: "~" } as const;

function cloudBlock(cloud: readonly CloudChange[]): string {
  const lines = cloud.map(({ resource, change }) => {
    const text = `${SIGNS[change]} ${resource}${change === "replace" ? " (replaced)" : ""}`;
    return coloured(text, `  ${text.slice(0, 2)}`);
  });
  return lines.length === 0 ? "" : `${pc.bold("At AWS")}\n${lines.join("\n")}`;
}

function pathsBlock(paths: PathChanges): string {
  const changes = pathLines(paths);
  if (changes.length === 0) return "";
  const more = changes.length - MAX_PATHS;
  const lines = changes
    .slice(0, MAX_PATHS)
    .map((change) => coloured(change, `  ${change.slice(0, 2)}`));
  const rest = more > 0 ? [`  and ${more} more: npx wireguard-mesh plan --reach`] : [];
  return [pc.bold("Paths"), ...lines, ...rest].join("\n");
}

/** One line per change, with its sign: `+ p33 <-> tokyo: direct`. */
export function pathLines(changes: PathChanges): string[] {
  const { gained, lost, moved, lansGained, lansLost, exits = [] } = changes;
  return [
    ...gained.map((change) => `+ ${ends(change)}: ${change.after ?? ""}`),
    ...lost.map((change) => `- ${ends(change)}`),
    ...moved.map(
      (change) => `~ ${ends(change)}: ${change.after ?? ""}, was ${change.before ?? ""}`,
    ),
    ...lansGained.map(({ lan, gateway }) => `+ ${lan}, behind ${gateway}`),
    ...lansLost.map(({ lan, gateway }) => `- ${lan}, behind ${gateway}`),
    ...exits.map(exitLine),
  ];
}

function exitLine({ peer, before, after }: ExitChange): string {
  const ends = `${peer} -> ${OUTSIDE}`;
  if (after === null) return `- ${ends}`;
  const former = before === null ? "" : `, was through ${before}`;
  return `${before === null ? "+" : "~"} ${ends}: through ${after}${former}`;
}

function ends({ from, to, bothWays }: PathChange): string {
  const one = shortList(from);
  const other = shortList(to);
  return one === other ? `among ${one}` : `${one} ${bothWays ? "<->" : "->"} ${other}`;
}

function restartsBlock(restarts: Review["restarts"]): string {
  if (restarts.length === 0) return "";
  const names = restarts.map(({ a, b }) => `${a} - ${b}`);
  return `${pc.bold("Tunnels that restart, with a new key")}\n${wrapped("  ", shortList(names))}`;
}

function overlapsBlock(names: readonly string[]): string {
  return names.length === 0 ? "" : `${pc.bold(OVERLAPS)}\n${wrapped("  ", shortList(names))}`;
}

export const OVERLAPS = "Keys that change without an interruption: both work meanwhile";
