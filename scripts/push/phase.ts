/** Reports the phase of a push to the `up` that waits for it, over a named pipe from the environment. */
import { closeSync, constants, openSync, writeSync } from "node:fs";

export const PHASE_PIPE = "WIREGUARD_MESH_PHASES";

export const PHASES = ["connecting", "observing", "changing", "confirming"] as const;
export type Phase = (typeof PHASES)[number];

export interface PhaseEvent {
  node: string;
  kind: "phase";
  phase: Phase;
}

/** Parses a line of the pipe. */
export function phaseIn(line: string): PhaseEvent | null {
  const [node, word] = line.split(" ");
  const phase = PHASES.find((one) => one === word);
  return node === undefined || phase === undefined ? null : { node, kind: "phase", phase };
}

export function reportPhase(node: string, phase: Phase): void {
  const path = process.env[PHASE_PIPE];
  if (path === undefined) return;
  try {
    // The reader may be gone or slow; a push does not wait for it.
    const pipe = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      // Shorter than PIPE_BUF, so lines of several pushes do not mix.
      writeSync(pipe, `${node} ${phase}\n`);
    } finally {
      closeSync(pipe);
    }
  } catch {
    // A push goes on without progress output.
  }
}
