/** Reproducible random numbers: tests print the seed in a title, and FAULT_SEED=7 sets it. */

export const FAULT_SEED = Number(process.env["FAULT_SEED"] ?? Date.now() % 100_000);

/** The number of random moments that a test tries: FAULT_ROUNDS, else `everyday`. */
export function faultRounds(everyday: number): number {
  return Number(process.env["FAULT_ROUNDS"] ?? everyday);
}

/** Returns a generator of numbers in [0, 1), the same for the same seed (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
