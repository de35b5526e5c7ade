/** Measures the longest time in which a host answers pings at none of several addresses. */
import { once } from "node:events";
import { poll } from "../../../scripts/poll";
import type { Lab } from "../../../scripts/lab/lab";

export interface Silence {
  longestMs: number;
  /** The same for an address outside the tunnel: delays of a busy test machine. */
  noiseMs: number;
}

/** Pings `from` → each address every 20 ms. At least one answers before and after the action. */
export async function silenceDuring(
  lab: Lab,
  from: string,
  { addresses, control }: { addresses: string[]; control: string },
  action: () => Promise<void>,
): Promise<Silence> {
  const streams = addresses.map((address) => new Answers(lab, from, address));
  const controlStream = new Answers(lab, from, control);
  const all = (): number[] => streams.flatMap((stream) => stream.times());
  const anotherAnswer = async (): Promise<void> => {
    const before = all().length;
    const limit = { limitMs: 20_000, pauseMs: 10 };
    if (!(await poll(() => (all().length > before ? true : undefined), limit)))
      throw new Error(`${from} got no answer from ${addresses.join(" or ")}`);
  };
  try {
    await anotherAnswer();
    await action();
    await anotherAnswer();
  } finally {
    await Promise.all([...streams, controlStream].map((stream) => stream.end()));
  }
  return { longestMs: longestGap(all()), noiseMs: longestGap(controlStream.times()) };
}

function longestGap(times: number[]): number {
  const inOrder = [...times].sort((a, b) => a - b);
  const gaps = inOrder.slice(1).map((time, at) => time - (inOrder[at] ?? time));
  return Math.round(Math.max(0, ...gaps) * 1000);
}

class Answers {
  private readonly child;
  private readonly ended: Promise<unknown>;
  private printed = "";

  constructor(
    private readonly lab: Lab,
    private readonly from: string,
    private readonly address: string,
  ) {
    const argv = ["ping", "-n", "-D", "-i", "0.02", "-W", "2", address];
    this.child = lab.spawn(from, argv, { stdio: "pipe" });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.printed += text));
    this.ended = once(this.child, "close");
  }

  /** Seconds since 1970. */
  times(): number[] {
    return [...this.printed.matchAll(/^\[([\d.]+)\] \d+ bytes from /gm)].map(([, at]) =>
      Number(at),
    );
  }

  async end(): Promise<void> {
    await this.lab.exec(this.from, ["pkill", "-INT", "-f", `^ping -n -D .* ${this.address}$`]);
    await this.ended;
  }
}
