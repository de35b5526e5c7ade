/** Ends this program when its engine is gone, so that an interrupted run applies nothing late. */
import { processChain, processTable, startedBy } from "./ancestors";
import { endAllGroups } from "./children";
import { PARENT_WATCH_MS } from "./limits";
import { PushError } from "./push-error";

/**
 * From now on this program and its children end within PARENT_WATCH_MS after the parent or the engine, and at once on a
 * signal. The host then undoes an unconfirmed change.
 * @throws PushError if the engine is gone already.
 */
export function followParent(node: string): void {
  const parent = process.ppid;
  if (isOrphaned()) {
    throw new PushError(
      `${node}: the engine that started this push has ended, so nothing was sent: a newer run may be at work. ` +
        "Run `npx wireguard-mesh up` again.",
    );
  }
  process.on("exit", endAllGroups);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      leave(
        `${node}: interrupted by ${signal}; a change that was under way is undone by the host itself.`,
      );
    });
  }
  const watch = setInterval(() => {
    if (process.ppid !== parent || isOrphaned()) {
      leave(
        `${node}: the engine has ended; a change that was under way is undone by the host itself.`,
      );
    }
  }, PARENT_WATCH_MS);
  watch.unref();
}

/** Outside Linux a check starts `ps`: there only the first call does it, and later the parent's pid is enough. */
let looked = false;
function isOrphaned(): boolean {
  if (looked && process.platform !== "linux") return false;
  looked = true;
  return startedBy(processChain(process.ppid, processTable())) === "orphaned";
}

function leave(words: string): never {
  try {
    process.stderr.write(`${words}\n`);
  } catch {
    // The reader is gone.
  }
  process.exit(1);
}
