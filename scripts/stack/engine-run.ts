/** `pulumi up` and `pulumi preview` on the user's terminal, with what happened in them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onStack, runEngine } from "./engine";
import { readEvents, type RunEvents } from "./engine-events";
import { openEventPipe } from "./event-pipe";
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
    const events = openEventPipe(folder);
    const exitCode = await runEngine(
      stack.project,
      [...onStack(stack, ...args), "--event-log", events.path],
      out,
    );
    return { exitCode, ...readEvents(await events.text()) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
