/** A ping every 20 ms for as long as something happens, and what was lost of it. */
import type { Lab } from "../../../scripts/lab/lab";

export interface Loss {
  sent: number;
  received: number;
}

export async function lossDuring(
  lab: Lab,
  from: string,
  to: string,
  happening: () => Promise<void>,
): Promise<Loss> {
  const ping = lab.spawn(from, ["ping", "-n", "-q", "-i", "0.02", "-W", "2", to], {
    stdio: "pipe",
  });
  let printed = "";
  ping.stdout?.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const ended = new Promise((resolve) => ping.once("close", resolve));
  await happening();
  // ping sums up when it is interrupted; the signal goes to the ping inside, which is the only one of that host.
  await lab.exec(from, ["pkill", "-INT", "-x", "ping"]);
  await ended;
  const summary = /(\d+) packets transmitted, (\d+) received/.exec(printed);
  return { sent: Number(summary?.[1] ?? 0), received: Number(summary?.[2] ?? -1) };
}
