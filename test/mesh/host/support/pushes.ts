/** Decides on and pushes what is wanted of a model host: for requests that requestOf does not draw. */
import assert from "node:assert/strict";
import { renderChange } from "../../../../mesh/host/change";
import { decide, type Decision } from "../../../../mesh/host/decide";
import type { Wanted } from "../../../../mesh/host/wanted";
import { ChangeRun, parseChange } from "./change-text";
import type { Host } from "./host";
import { freshHost } from "./hosts";
import { look, OPTIONS } from "./situations";

export function decideOn(host: Host, wanted: Wanted): Decision {
  return decide(look(host, wanted), wanted, OPTIONS);
}

export function changeOf(host: Host, wanted: Wanted) {
  const decision = decideOn(host, wanted);
  assert.ok(decision.kind === "change", JSON.stringify(decision));
  return decision;
}

export function runOf(host: Host, wanted: Wanted): ChangeRun {
  const text = renderChange(changeOf(host, wanted).change).reveal();
  return new ChangeRun(host, parseChange(text));
}

export function push(host: Host, wanted: Wanted): void {
  const run = runOf(host, wanted);
  for (const name of ["now", "apply", "commit"] as const) run.run(name);
}

export function pushed(wanted: Wanted): Host {
  const host = freshHost();
  push(host, wanted);
  return host;
}
