/**
 * A limit on the failed pushes of one run of the engine (`up --max-failures`). Each push that fails leaves a file in a folder,
 * and none begins once there are enough. Stopping the engine instead would kill the pushes that are under way.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PushError } from "./push-error";

/** `LIMIT:FOLDER`, in the environment that the engine hands on. */
const VARIABLE = "WIREGUARD_MESH_FAILURE_LIMIT";

/** Runs `work` with the environment for the engine; without a limit it has nothing. */
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

  /** Null: there is none. */
  static of(environment: NodeJS.ProcessEnv): FailureLimit | null {
    const [, limit, folder] = /^(\d+):(.+)$/.exec(environment[VARIABLE] ?? "") ?? [];
    return limit === undefined || folder === undefined
      ? null
      : new FailureLimit(Number(limit), folder);
  }

  /** @throws PushError when there are enough. */
  check(node: string): void {
    if (namesIn(this.folder).length >= this.limit) throw new PushError(`${node}: ${NOT_BEGUN}`);
  }

  count(node: string): void {
    try {
      writeFileSync(join(this.folder, node), "");
    } catch {
      // The run that counts has ended.
    }
  }
}

const NOT_BEGUN = "not begun, because too many other hosts had failed (--max-failures)";

/** Whether a push failed with this reason only because it was not begun. */
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
