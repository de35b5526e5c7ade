// Runs jobs in parallel as long as the sum of their weights stays within a capacity.

/**
 * Starts each job, in the given order, as soon as it fits; smaller jobs may overtake one that does not fit yet. A job that is
 * heavier than the capacity runs when no other job runs.
 * @template {{ weight: number }} Job
 * @template Result
 * @param {readonly Job[]} jobs
 * @param {number} capacity
 * @param {(job: Job) => Promise<Result>} run
 * @returns {Promise<Result[]>} in the order of the jobs. Rejects with the first rejection; no job starts after it
 */
export async function runQueue(jobs, capacity, run) {
  /** @type {Result[]} */
  const results = [];
  const waiting = jobs.map((job, index) => ({ job, index }));
  /** @type {Set<Promise<void>>} */
  const running = new Set();
  let used = 0;
  for (;;) {
    const next = waiting.findIndex(
      ({ job }) => running.size === 0 || used + job.weight <= capacity,
    );
    if (next >= 0) {
      for (const { job, index } of waiting.splice(next, 1)) {
        used += job.weight;
        const ended = run(job).then((result) => {
          results[index] = result;
          used -= job.weight;
          running.delete(ended);
        });
        running.add(ended);
      }
      continue;
    }
    if (running.size === 0) return results;
    await Promise.race(running);
  }
}
