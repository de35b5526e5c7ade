/** What long work is at: one line that is drawn anew on a terminal, and a line now and then elsewhere. */
import { canDraw, draw, log } from "./log";

/** So often a file or a pipe gets a line; work that is shorter says nothing there. */
const PLAIN_MS = 10_000;
/** The seconds that a terminal shows go on, also where nothing else does. */
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
