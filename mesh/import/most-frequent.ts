/** What most of several files say. */

/** Of those that are there equally often, the first; null: there is none. */
export function mostFrequent<T>(values: readonly T[]): T | null {
  const groups = [...Map.groupBy(values, (value) => value)];
  const [most] = groups.sort(([, a], [, b]) => b.length - a.length);
  return most === undefined ? null : most[0];
}
