/** What a push is doing, told to the `up` that waits for it by a pipe that the environment names; without one, to nobody. */
import { closeSync, constants, openSync, writeSync } from "node:fs";

export const PHASE_PIPE = "WIREGUARD_MESH_PHASES";

export const PHASES = ["connecting", "observing", "changing", "confirming"] as const;
export type Phase = (typeof PHASES)[number];

export interface PhaseEvent {
  node: string;
  kind: "phase";
  phase: Phase;
}

/** In a line of the pipe. */
export function phaseIn(line: string): PhaseEvent | null {
  const [node, word] = line.split(" ");
  const phase = PHASES.find((one) => one === word);
  return node === undefined || phase === undefined ? null : { node, kind: "phase", phase };
}

export function reportPhase(node: string, phase: Phase): void {
  const path = process.env[PHASE_PIPE];
  if (path === undefined) return;
  try {
    // Whoever reads may be gone, or slow: a push waits for neither.
    const pipe = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      // Shorter than PIPE_BUF, so that the lines of several pushes do not mix.
      writeSync(pipe, `${node} ${phase}\n`);
    } finally {
      closeSync(pipe);
    }
  } catch {
    // The push is what matters.
  }
}
