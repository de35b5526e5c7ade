/** The network before the pending change, from the stack's state or from another version of the stack file. */
import { readFileSync } from "node:fs";
import { formatIssues, hasErrors } from "../../mesh/config/issue";
import { readMesh } from "../../mesh/mesh";
import { NOTHING, recordOf, type NetworkRecord } from "../../mesh/review/record";
import { queryStack } from "./engine";
import { recordFrom, resourcesInState } from "./engine-record";
import { Failure } from "./failure";
import type { StackRef } from "./project";
import { readConfig } from "./stack-file";

/** `from`: a stack file, `-` for stdin; undefined for the stack's state, which the engine returns without a passphrase. */
export async function formerNetwork(
  stack: StackRef,
  from: string | undefined,
): Promise<NetworkRecord> {
  return from === undefined ? recordedState(stack) : recordIn(from);
}

async function recordedState(stack: StackRef): Promise<NetworkRecord> {
  const state = await queryStack(stack, ["stack", "export"], "the stack's state");
  return recordFrom(resourcesInState(state));
}

function recordIn(file: string): NetworkRecord {
  const text = read(file);
  // The first version of a file has nothing to compare with.
  if (text.trim() === "") return NOTHING;
  const { plan, issues } = readMesh(readConfig(text, file), Date.now());
  if (plan !== null && !hasErrors(issues)) return recordOf(plan);
  throw new Failure(
    `${file} has mistakes:\n${formatIssues(issues)}`,
    "give --from a version of the file without mistakes",
  );
}

function read(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new Failure(
      `cannot read ${file}: ${error instanceof Error ? error.message : ""}`,
      null,
      2,
    );
  }
}
