/** Progress of long work: one line that is redrawn on a terminal, and periodic lines elsewhere. */
import { canDraw, draw, log } from "./log";

/** Interval of lines to a file or a pipe; shorter work prints none. */
const PLAIN_MS = 10_000;
/** Interval of redraws, which update the elapsed seconds. */
const DRAW_MS = 1_000;

/** Runs `work`, which calls `update` when `words` has changed. */
export async function withProgress<T>(
  words: () => string,
  work: (update: () => void) => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  const text = (): string => {
    const seconds = Math.floor((performance.now() - startedAt) / 1000);
    return seconds < 3 ? words() : `${words()} (${seconds} s)`;
  };
  const update = (): void => {
    draw(text());
  };
  update();
  const timer = canDraw()
    ? setInterval(update, DRAW_MS)
    : setInterval(() => {
        log(text());
      }, PLAIN_MS);
  try {
    return await work(update);
  } finally {
    clearInterval(timer);
    draw("");
  }
}
