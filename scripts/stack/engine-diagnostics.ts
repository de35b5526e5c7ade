/** The engine's warnings in the events of a run. */
import { isMap } from "../../mesh/config/shape-issues";

export type Event = Record<string, unknown>;

/** The engine's own markup, e.g. `<{%reset%}>` (pulumi, sdk/go/common/diag/colors). */
export function withoutColours(text: string): string {
  return text.replaceAll(/<\{%[^%]*%\}>/g, "");
}

/** Leaves out notes about plugins on PATH, and about pending operations, which `up` handles. */
export function warningsIn(events: Event[]): string[] {
  return unique(diagnosticsOf(events, "warning").map((text) => withoutColours(text).trim())).filter(
    (text) => !/^using pulumi-\S+ from \$PATH|pending operations from previous/.test(text),
  );
}

function diagnosticsOf(events: Event[], severity: string): string[] {
  return events.flatMap((event) => {
    const diagnostic = event["diagnosticEvent"];
    if (!isMap(diagnostic) || diagnostic["severity"] !== severity) return [];
    return typeof diagnostic["message"] === "string" ? [diagnostic["message"]] : [];
  });
}

/** Parses the engine's warning, because there is no event for this (pulumi, pkg/engine/update.go, issuePendingOperations…). */
export function unfinishedIn(events: Event[]): string[] {
  const listed = /\* (urn:\S+), interrupted while creating/g;
  return diagnosticsOf(events, "warning").flatMap((text) =>
    [...text.matchAll(listed)].map(([, urn]) => urn ?? ""),
  );
}

export function unique(names: string[]): string[] {
  return [...new Set(names)];
}
