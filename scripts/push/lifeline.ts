/** Ends this program when nobody waits for it any more, so that no interrupted run applies anything late. */
import { processChain, processTable, startedBy } from "./ancestors";
import { endAllGroups } from "./children";
import { PARENT_WATCH_MS } from "./limits";
import { PushError } from "./push-error";

/**
 * From now on this program ends within PARENT_WATCH_MS of its parent's or its engine's end, and at once on a signal; what
 * it started ends with it. A push that was under way is then undone by the host.
 * @throws PushError when the engine is gone already.
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

/** Elsewhere than on Linux a look costs a program's start: there the parent's number alone is watched later on. */
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
    // Who would read it is gone.
  }
  process.exit(1);
}
