/**
 * Aborts operations: when the engine cancels all of them or one call, and after a timeout.
 * Not with AbortSignal.any() and AbortSignal.timeout(), which can be garbage-collected and then never fire (seen in Node 20).
 */

export class Operations {
  private readonly running = new Set<AbortController>();
  private cancelled = false;

  /** Aborts all running and all later operations. */
  cancel(): void {
    this.cancelled = true;
    for (const control of this.running) control.abort();
  }

  /**
   * Runs `work` with its own controller. `limit`: whole seconds, 0 for none; a limit below one second is exceeded at once,
   * as in the real plugin. The abort reason after the limit is a TimeoutError.
   */
  async run<T>(
    limit: number,
    callCancelled: AbortSignal,
    work: (control: AbortController) => Promise<T>,
  ): Promise<T> {
    const control = new AbortController();
    if (this.cancelled) control.abort();
    callCancelled.addEventListener("abort", () => {
      control.abort();
    });
    const timeOut = (): void => {
      control.abort(new DOMException("timed out", "TimeoutError"));
    };
    if (limit > 0 && limit < 1) timeOut();
    const timer = limit < 1 ? undefined : setTimeout(timeOut, Math.trunc(limit) * 1000);
    this.running.add(control);
    try {
      return await work(control);
    } finally {
      clearTimeout(timer);
      this.running.delete(control);
    }
  }
}
