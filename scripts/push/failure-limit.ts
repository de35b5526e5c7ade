/**
 * Implements `up --max-failures`: each failed push leaves a file in a folder, and no push begins when there are enough.
 * Stopping the engine instead would kill the pushes that are running.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PushError } from "./push-error";

/** `LIMIT:FOLDER`. The engine passes the variable on to the pushes. */
const VARIABLE = "WIREGUARD_MESH_FAILURE_LIMIT";

/** Calls `work` with variables for the engine's environment; none if there is no limit. */
export async function withFailureLimit<T>(
  limit: number | undefined,
  work: (environment: Record<string, string>) => Promise<T>,
): Promise<T> {
  if (limit === undefined) return work({});
  const folder = mkdtempSync(join(tmpdir(), "wireguard-mesh-failures-"));
  try {
    return await work({ [VARIABLE]: `${limit}:${folder}` });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export class FailureLimit {
  private constructor(
    private readonly limit: number,
    private readonly folder: string,
  ) {}

  /** Null: no limit. */
  static of(environment: NodeJS.ProcessEnv): FailureLimit | null {
    const [, limit, folder] = /^(\d+):(.+)$/.exec(environment[VARIABLE] ?? "") ?? [];
    return limit === undefined || folder === undefined
      ? null
      : new FailureLimit(Number(limit), folder);
  }

  /** @throws PushError if the limit is reached. */
  check(node: string): void {
    if (namesIn(this.folder).length >= this.limit) throw new PushError(`${node}: ${NOT_BEGUN}`);
  }

  count(node: string): void {
    try {
      writeFileSync(join(this.folder, node), "");
    } catch {
      // The run is over and has removed the folder.
    }
  }
}

const NOT_BEGUN = "not begun, because too many other hosts had failed (--max-failures)";

/** Whether the reason of a failed push is that the limit was reached. */
export function isNotBegun(reason: string): boolean {
  return reason.includes(NOT_BEGUN);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
