/** The outcome of a run of the engine, from its event log (`--event-log`, JSON lines). */
import { isMap } from "../../mesh/config/shape-issues";
import { reviewOf, type Review } from "../../mesh/review/review";
import { unfinishedIn, unique, warningsIn, withoutColours, type Event } from "./engine-diagnostics";
import {
  NODE_TYPES,
  nodeOf,
  outdatedIn,
  PUSH_TYPE,
  recordFrom,
  resourceIn,
  type RecordedResource,
} from "./engine-record";

export interface RunEvents {
  /** Whether an update began, even if it failed or the engine was killed: false for a preview and after "no". */
  updated: boolean;
  failed: NodeFailure[];
  /** Nodes whose push succeeded, or was not needed. */
  settled: string[];
  /** The changes of nodes: those planned in a preview, or those attempted in an `up`. */
  changes: NodeChange[];
  /** The effect of the changes on the network. */
  review: Review;
  /** Changes of resources at a cloud provider. */
  cloud: CloudChange[];
  /** By node that needs a config after this run, the reasons; null if unknown until the run. */
  outdated: ReadonlyMap<string, string[]> | null;
  /** Warnings of the program and of the engine, without duplicates. */
  warnings: string[];
  /** The resources of the run, the unchanged ones too, by the operation on each. */
  operations: { urn: string; op: string }[];
  /** URNs of resources whose creation an earlier, interrupted run began. */
  unfinished: string[];
}

export interface NodeFailure {
  /** Null if the failure is not about a single node. */
  node: string | null;
  /** The error message of the push program, or of the engine. */
  reason: string;
}

type Change = "create" | "update" | "delete" | "replace";

interface NodeChange {
  node: string;
  change: Change;
}

export interface CloudChange {
  change: Change;
  /** E.g. `SecurityGroup tokyo`. */
  resource: string;
}

/** Skips invalid lines of the event log: the engine may have been killed in the middle of one. */
export function readEvents(text: string): RunEvents {
  const events = lastOperation(text.split("\n").flatMap(parseLine));
  const steps = events.flatMap((event) => stepIn(event["resOutputsEvent"]));
  const planned = events.flatMap((event) => stepIn(event["resourcePreEvent"]));
  return {
    updated: events.some(isOfUpdate),
    failed: failuresIn(events),
    settled: unique(steps.filter(({ type }) => type === PUSH_TYPE).map(({ node }) => node)),
    changes: changesIn(planned),
    ...reviewIn(events, planned),
    cloud: cloudIn(planned),
    warnings: warningsIn(events),
    operations: planned.map(({ urn, op }) => ({ urn, op })),
    unfinished: unfinishedIn(events),
  };
}

export function isPush(urn: string): boolean {
  return typeOf(urn) === PUSH_TYPE;
}

interface Step {
  op: string;
  urn: string;
  type: string;
  node: string;
}

/** Progress of a push from an event; null: none. */
export type PushEvent =
  { node: string; kind: "note"; text: string } | { node: string; kind: "pushed" | "failed" };

export function pushEventIn(line: string): PushEvent | null {
  const [event] = parseLine(line);
  const [done] = stepIn(event?.["resOutputsEvent"]);
  const [failed] = stepIn(event?.["resOpFailedEvent"]);
  const step = done ?? failed;
  if (step !== undefined) {
    if (step.type !== PUSH_TYPE || changeOf(step.op) === null) return null;
    return { node: step.node, kind: failed === undefined ? "pushed" : "failed" };
  }
  const diagnostic = event?.["diagnosticEvent"];
  if (!isMap(diagnostic) || diagnostic["severity"] !== "info") return null;
  const { urn, message } = diagnostic;
  if (typeof urn !== "string" || !isPush(urn) || typeof message !== "string") return null;
  const node = nodeOf(urn);
  return { node, kind: "note", text: reasonOf(message, node) };
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

/** The steps of an update come before its summary, which is missing if the engine was killed. */
function isOfUpdate(event: Event): boolean {
  const step = event["resourcePreEvent"];
  return summaryOf(event)?.["isPreview"] === false || (isMap(step) && step["planning"] !== true);
}

function stepIn(event: unknown): Step[] {
  const metadata = isMap(event) ? event["metadata"] : undefined;
  if (!isMap(metadata)) return [];
  const { op, urn, type } = metadata;
  if (typeof op !== "string" || typeof urn !== "string" || typeof type !== "string") return [];
  return [{ op, urn, type, node: nodeOf(urn) }];
}

function failuresIn(events: Event[]): NodeFailure[] {
  const failures = events.flatMap((event) => {
    const diagnostic = event["diagnosticEvent"];
    if (!isMap(diagnostic) || diagnostic["severity"] !== "error") return [];
    const { urn, message } = diagnostic;
    if (typeof message !== "string") return [];
    const node =
      typeof urn === "string" && [...NODE_TYPES, PUSH_TYPE].includes(typeOf(urn))
        ? nodeOf(urn)
        : null;
    return [{ node, reason: reasonOf(message, node) }];
  });
  return failures.filter(({ reason }) => reason !== "" && !isFollowUp(reason));
}

/** The review of the network, from the resources before and after the run. */
function reviewIn(events: Event[], planned: Step[]): Pick<RunEvents, "review" | "outdated"> {
  const states = events.flatMap((event) => {
    const metadata = memberOf(event["resourcePreEvent"], "metadata");
    return isMap(metadata) ? [metadata] : [];
  });
  const sides = (side: "old" | "new"): RecordedResource[] =>
    states.flatMap((metadata) => resourceIn(metadata[side]) ?? []);
  const pushes = planned.flatMap(({ op, type, node }) => {
    const change = type === PUSH_TYPE ? changeOf(op) : null;
    return change === "update" || change === "replace" ? [[node, change] as const] : [];
  });
  const outputs = events.flatMap(
    (event) => resourceIn(memberOf(memberOf(event["resOutputsEvent"], "metadata"), "new")) ?? [],
  );
  return {
    review: reviewOf(recordFrom(sides("old")), recordFrom(sides("new")), new Map(pushes)),
    outdated: outdatedIn([...outputs].reverse()),
  };
}

function memberOf(value: unknown, name: string): unknown {
  return isMap(value) ? value[name] : undefined;
}

function cloudIn(planned: Step[]): CloudChange[] {
  const changes = planned.flatMap(({ op, type, node }) => {
    const change = type.startsWith("aws:") ? changeOf(op) : null;
    return change === null ? [] : [[`${type.split(":").at(-1) ?? type} ${node}`, change] as const];
  });
  return [...new Map(changes)].map(([resource, change]) => ({ resource, change }));
}

/** `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME` */
export function typeOf(urn: string): string {
  const types = urn.split("::").at(-2) ?? "";
  return types.slice(types.lastIndexOf("$") + 1);
}

/** Removes the command provider's first line, the engine's colours, and the push program's prefix `NODE: `. */
function reasonOf(message: string, node: string | null): string {
  const text = withoutColours(message)
    .replace(/^exit status \d+: running "[^\n]*\n/, "")
    .trim();
  // The engine passes the config in one environment variable (pulumi/pulumi#8680).
  if (/language executor.*argument list too long/s.test(text)) return CONFIG_TOO_LONG;
  return node !== null && text.startsWith(`${node}: `) ? text.slice(node.length + 2) : text;
}

const CONFIG_TOO_LONG = `the stack's config is longer than the 128 KiB that Linux passes to a Pulumi program
Private keys take half of it: a device can keep its own, see docs/limits.md.`;

/** Whether it is the engine's error for a resource that was skipped because another one failed. */
function isFollowUp(reason: string): boolean {
  return /whose registration isn't pending|^update failed$|^preview failed$/.test(reason);
}

/** One change per node: that of its push, else that of its component. */
function changesIn(steps: Step[]): NodeChange[] {
  const changes = new Map<string, Change>();
  for (const { op, type, node } of steps) {
    const change = changeOf(op);
    if (change === null || ![...NODE_TYPES, PUSH_TYPE].includes(type)) continue;
    if (type === PUSH_TYPE || !changes.has(node)) changes.set(node, change);
  }
  return [...changes].map(([node, change]) => ({ node, change }));
}

function changeOf(op: string): Change | null {
  if (op === "create" || op === "update" || op === "delete" || op === "replace") return op;
  return op === "create-replacement" || op === "delete-replaced" ? "replace" : null;
}
