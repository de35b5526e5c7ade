/**
 * What can end an operation before its time: the engine cancels, hangs up, or has set a time limit.
 * By hand, since AbortSignal.any() and AbortSignal.timeout() of Node 20 may be collected as garbage and then never fire.
 */

export class Operations {
  private readonly running = new Set<AbortController>();
  private cancelled = false;

  /** Aborts what runs and, from now on, what is to run. */
  cancel(): void {
    this.cancelled = true;
    for (const control of this.running) control.abort();
  }

  /**
   * Does the work with a controller of its own. A limit is in whole seconds, 0 for none; less than one second has run
   * out at once (as in the real plugin). The reason of an abort by the limit is a TimeoutError.
   */
  async run<T>(
    limit: number,
    hungUp: AbortSignal,
    work: (control: AbortController) => Promise<T>,
  ): Promise<T> {
    const control = new AbortController();
    if (this.cancelled) control.abort();
    hungUp.addEventListener("abort", () => {
      control.abort();
    });
    const timeOut = (): void => {
      control.abort(new DOMException("out of time", "TimeoutError"));
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
