/** Chance that can be had again: the seed stands in a test's title, and FAULT_SEED=7 gives it. */

export const SEED = Number(process.env["FAULT_SEED"] ?? Date.now() % 100_000);

/** Numbers from 0 to 1, by mulberry32: small, and the same from the same seed. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
