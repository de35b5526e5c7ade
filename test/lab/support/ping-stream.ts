/** Sends a ping every 20 ms during an action and counts the lost ones. */
import type { Lab } from "../../../scripts/lab/lab";

export interface Loss {
  sent: number;
  received: number;
}

export async function lossDuring(
  lab: Lab,
  from: string,
  to: string,
  action: () => Promise<void>,
): Promise<Loss> {
  const ping = lab.spawn(from, ["ping", "-n", "-i", "0.02", "-W", "2", to], {
    stdio: "pipe",
  });
  let printed = "";
  ping.stdout?.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const ended = new Promise((resolve) => ping.once("close", resolve));
  await action();
  // The only ping process on that host.
  await lab.exec(from, ["pkill", "-INT", "-x", "ping"]);
  await ended;
  // Counted by sequence number: ping's own summary counts packets as lost that were in flight at the interrupt.
  const numbers = [...printed.matchAll(/bytes from .* icmp_seq=(\d+)/g)].map((match) =>
    Number(match[1]),
  );
  return { sent: Math.max(0, ...numbers), received: new Set(numbers).size };
}
