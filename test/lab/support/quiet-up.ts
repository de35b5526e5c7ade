/** An `up` during which a host answers pings all the time. */
import * as assert from "node:assert/strict";
import { BUSY_FACTOR } from "../../support/time-limits";
import { silenceDuring } from "./answers";
import type { MeshLab } from "./mesh-lab";
import { succeeded, UP, type MeshSession } from "./mesh-session";

/** On an idle machine. */
const PROMISED_MS = 1000;

/** Asserts that one of the addresses answers the laptop with gaps of at most a second. @returns the output of `up` */
export async function quietUp(
  { lab }: MeshLab,
  session: MeshSession,
  addresses: string[],
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
  // Pings outside the tunnel do not wait for wireguard-go, so a busy machine delays them less.
  const limitMs = BUSY_FACTOR * PROMISED_MS + silence.noiseMs;
  assert.ok(silence.longestMs <= limitMs, JSON.stringify(silence));
  return output;
}
