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
  const ping = lab.spawn(from, ["ping", "-n", "-i", "0.02", "-W", "2", to], {
    stdio: "pipe",
  });
  let printed = "";
  ping.stdout?.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const ended = new Promise((resolve) => ping.once("close", resolve));
  await happening();
  // The signal goes to the ping inside, which is the only one of that host.
  await lab.exec(from, ["pkill", "-INT", "-x", "ping"]);
  await ended;
  // By number, not by ping's own sum, which counts as lost what was still on its way when it was interrupted.
  const numbers = [...printed.matchAll(/bytes from .* icmp_seq=(\d+)/g)].map((match) =>
    Number(match[1]),
  );
  return { sent: Math.max(0, ...numbers), received: new Set(numbers).size };
}
