/** `pulumi up` and `pulumi preview` on the user's terminal, with what happened in them. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onStack, runEngine } from "./engine";
import { readEvents, type RunEvents } from "./engine-events";
import type { Stack } from "./project";

export interface EngineRun extends RunEvents {
  exitCode: number;
}

/** `out`: where the engine's own output goes. */
export async function runWithEvents(
  stack: Stack,
  args: readonly string[],
  out: "stdout" | "stderr",
): Promise<EngineRun> {
  const folder = mkdtempSync(join(tmpdir(), "wireguard-mesh-"));
  try {
    const log = join(folder, "events.json");
    const exitCode = await runEngine(
      stack.project,
      [...onStack(stack, ...args), "--event-log", log],
      out,
    );
    const text = existsSync(log) ? readFileSync(log, "utf8") : "";
    return { exitCode, ...readEvents(text) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
