/** Repeats an attempt until it succeeds or a time limit has passed. */
import { setTimeout as sleep } from "node:timers/promises";

interface PollTimes {
  /** No attempt begins later than this after the first; 0 is a single attempt. */
  limitMs: number;
  /** Pause between the end of one attempt and the start of the next. */
  pauseMs: number;
}

/**
 * The first value other than undefined that `attempt` returns; undefined when the limit has passed. The last attempt begins
 * at the limit. An error of `attempt` ends it.
 */
export async function poll<T>(
  attempt: () => T | undefined | Promise<T | undefined>,
  { limitMs, pauseMs }: PollTimes,
): Promise<T | undefined> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const value = await attempt();
    const left = deadline - performance.now();
    if (value !== undefined || left <= 0) return value;
    await sleep(Math.min(pauseMs, Math.ceil(left)));
  }
}
