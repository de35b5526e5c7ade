/** An `up` during which a host is heard all the time. */
import * as assert from "node:assert/strict";
import { silenceDuring } from "./answers";
import type { MeshLab } from "./mesh-lab";
import { succeeded, UP, type MeshSession } from "./mesh-session";

/** @returns its output. The laptop hears from one of the addresses all the time. */
export async function quietUp(
  { lab }: MeshLab,
  session: MeshSession,
  addresses: string[],
  limitMs = 1000,
): Promise<string> {
  let output = "";
  const silence = await silenceDuring(
    lab,
    "laptop",
    { addresses, control: "203.0.113.10" },
    async () => {
      output = succeeded(await session.pulumi(...UP)).stdout;
    },
  );
  assert.ok(silence.longestMs <= limitMs + silence.noiseMs, JSON.stringify(silence));
  return output;
}
