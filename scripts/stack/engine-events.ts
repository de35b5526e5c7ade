/** What happened in a run of the engine, from the events that it writes into a file (`--event-log`, JSON lines). */
import { isMap } from "../../mesh/config/shape-issues";

export interface RunEvents {
  /** Whether an update came to its end, well or not: false for a preview, after "no" and after Ctrl-C. */
  updated: boolean;
  failed: NodeFailure[];
  /** Nodes whose push was carried out, or was not needed. */
  settled: string[];
  /** What a push or a node is about to be, in a preview; in an `up`, what it was. */
  changes: NodeChange[];
  /** URNs of what an earlier run began to create, without the engine hearing the end of it. */
  unfinished: string[];
}

export interface NodeFailure {
  /** Null for a failure that is no single node's. */
  node: string | null;
  /** The last words of the push program, or of the engine. */
  reason: string;
}

export interface NodeChange {
  node: string;
  change: "create" | "update" | "delete" | "replace";
}

/** Reads the event log's text. Lines that cannot be read are passed over: the engine may have been killed. */
export function readEvents(text: string): RunEvents {
  const events = lastOperation(text.split("\n").flatMap(parseLine));
  const steps = events.flatMap((event) => stepIn(event["resOutputsEvent"]));
  const planned = events.flatMap((event) => stepIn(event["resourcePreEvent"]));
  return {
    updated: events.some((event) => summaryOf(event)?.["isPreview"] === false),
    failed: failuresIn(events),
    settled: unique(steps.filter(({ type }) => type === PUSH_TYPE).map(({ node }) => node)),
    changes: changesIn(planned),
    unfinished: unfinishedIn(events),
  };
}

/** Whether a URN is that of a push. */
export function isPush(urn: string): boolean {
  return typeOf(urn) === PUSH_TYPE;
}

const PUSH_TYPE = "command:local:Command";
const NODE_TYPES = ["wireguard-mesh:index:Peer", "wireguard-mesh:index:Relay", PUSH_TYPE];

type Event = Record<string, unknown>;

interface Step {
  op: string;
  type: string;
  node: string;
}

function parseLine(line: string): Event[] {
  try {
    const event: unknown = JSON.parse(line);
    return isMap(event) ? [event] : [];
  } catch {
    return [];
  }
}

/** `up` writes the events of its preview first: what was only foreseen there has not happened. */
function lastOperation(events: Event[]): Event[] {
  const preview = events.findIndex((event) => summaryOf(event)?.["isPreview"] === true);
  const after = events.slice(preview + 1).filter((event) => !("cancelEvent" in event));
  return after.length > 0 ? after : events;
}

function summaryOf(event: Event): Event | null {
  return isMap(event["summaryEvent"]) ? event["summaryEvent"] : null;
}

function stepIn(event: unknown): Step[] {
  const metadata = isMap(event) ? event["metadata"] : undefined;
  if (!isMap(metadata)) return [];
  const { op, urn, type } = metadata;
  if (typeof op !== "string" || typeof urn !== "string" || typeof type !== "string") return [];
  return [{ op, type, node: nodeOf(urn) }];
}

/** The last part of a URN is the resource's name: `desktop`, `desktop-push` or `desktop-push-command`. */
function nodeOf(urn: string): string {
  return urn.slice(urn.lastIndexOf("::") + 2).replace(/-push(-command)?$/, "");
}

function failuresIn(events: Event[]): NodeFailure[] {
  const failures = events.flatMap((event) => {
    const diagnostic = event["diagnosticEvent"];
    if (!isMap(diagnostic) || diagnostic["severity"] !== "error") return [];
    const { urn, message } = diagnostic;
    if (typeof message !== "string") return [];
    const node = typeof urn === "string" && NODE_TYPES.includes(typeOf(urn)) ? nodeOf(urn) : null;
    return [{ node, reason: reasonOf(message, node) }];
  });
  return failures.filter(({ reason }) => reason !== "" && !isEcho(reason));
}

/** From the engine's warning; there is no event of its own (pulumi, pkg/engine/update.go, issuePendingOperations…). */
function unfinishedIn(events: Event[]): string[] {
  const warnings = events.flatMap((event) => {
    const diagnostic = event["diagnosticEvent"];
    return isMap(diagnostic) && diagnostic["severity"] === "warning" ? [diagnostic["message"]] : [];
  });
  const listed = /\* (urn:\S+), interrupted while creating/g;
  return warnings.flatMap((text) => [...String(text).matchAll(listed)].map(([, urn]) => urn ?? ""));
}

/** `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME` */
function typeOf(urn: string): string {
  const types = urn.split("::").at(-2) ?? "";
  return types.slice(types.lastIndexOf("$") + 1);
}

/** The command provider puts one line of its own before the push program's words, which begin with the node's name. */
function reasonOf(message: string, node: string | null): string {
  const words = message.replace(/^exit status \d+: running "[^\n]*\n/, "").trim();
  return node !== null && words.startsWith(`${node}: `) ? words.slice(node.length + 2) : words;
}

/** What the engine says of resources that were left out because another one failed. */
function isEcho(reason: string): boolean {
  return /whose registration isn't pending|^update failed$|^preview failed$/.test(reason);
}

/** One change a node: a changed push says more than the changed text of its component. */
function changesIn(steps: Step[]): NodeChange[] {
  const changes = new Map<string, NodeChange["change"]>();
  for (const { op, type, node } of steps) {
    const change = changeOf(op);
    if (change === null || !NODE_TYPES.includes(type)) continue;
    if (type === PUSH_TYPE || !changes.has(node)) changes.set(node, change);
  }
  return [...changes].map(([node, change]) => ({ node, change }));
}

function changeOf(op: string): NodeChange["change"] | null {
  if (op === "create" || op === "update" || op === "delete" || op === "replace") return op;
  return op === "create-replacement" || op === "delete-replaced" ? "replace" : null;
}

function unique(names: string[]): string[] {
  return [...new Set(names)];
}
