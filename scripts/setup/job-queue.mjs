// Runs jobs side by side, as many as the machine carries. Each has a weight: what it takes of the room that there is.

/**
 * Starts each job as soon as there is room for it, in the order given; one that does not fit lets smaller ones pass. A job
 * heavier than all the room there is runs by itself.
 * @template {{ weight: number }} Job
 * @template Result
 * @param {readonly Job[]} jobs
 * @param {number} room
 * @param {(job: Job) => Promise<Result>} run
 * @returns {Promise<Result[]>} in the order of the jobs; rejects with the first rejection, after which no further job starts
 */
export async function runQueue(jobs, room, run) {
  /** @type {Result[]} */
  const results = [];
  const waiting = jobs.map((job, index) => ({ job, index }));
  /** @type {Set<Promise<void>>} */
  const running = new Set();
  let used = 0;
  for (;;) {
    const next = waiting.findIndex(({ job }) => running.size === 0 || used + job.weight <= room);
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
