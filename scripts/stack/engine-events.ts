/** The outcome of a run of the engine, from its event log (`--event-log`, JSON lines). */
import { isMap } from "../../mesh/config/shape-issues";

export interface RunEvents {
  /** Whether an update ran to its end, with or without failures: false for a preview, after "no" and after Ctrl-C. */
  updated: boolean;
  failed: NodeFailure[];
  /** Nodes whose push succeeded, or was not needed. */
  settled: string[];
  /** The changes of nodes: those planned in a preview, or those attempted in an `up`. */
  changes: NodeChange[];
  /** URNs of resources whose creation an earlier, interrupted run began. */
  unfinished: string[];
}

export interface NodeFailure {
  /** Null if the failure is not about a single node. */
  node: string | null;
  /** The error message of the push program, or of the engine. */
  reason: string;
}

interface NodeChange {
  node: string;
  change: "create" | "update" | "delete" | "replace";
}

/** Skips invalid lines of the event log: the engine may have been killed in the middle of one. */
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

/** `up` writes the events of its preview first, which are only plans. */
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
  return failures.filter(({ reason }) => reason !== "" && !isFollowUp(reason));
}

/** From the engine's warning: it has no event for this (pulumi, pkg/engine/update.go, issuePendingOperations…). */
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

/** Without the command provider's first line and without the prefix `NODE: ` of the push program. */
function reasonOf(message: string, node: string | null): string {
  const text = message.replace(/^exit status \d+: running "[^\n]*\n/, "").trim();
  return node !== null && text.startsWith(`${node}: `) ? text.slice(node.length + 2) : text;
}

/** Whether it is the engine's error for a resource that was skipped because another one failed. */
function isFollowUp(reason: string): boolean {
  return /whose registration isn't pending|^update failed$|^preview failed$/.test(reason);
}

/** One change per node: that of its push, else that of its component. */
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
