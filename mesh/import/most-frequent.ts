/** The most frequent of several values. */

/** The first one if several are equally frequent; null for an empty list. */
export function mostFrequent<T>(values: readonly T[]): T | null {
  const groups = [...Map.groupBy(values, (value) => value)];
  const [most] = groups.sort(([, a], [, b]) => b.length - a.length);
  return most === undefined ? null : most[0];
}
