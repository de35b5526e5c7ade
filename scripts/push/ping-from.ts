/** Which addresses a host reaches, by pings from there. */
import type { HostAccess } from "../../mesh/push-request";
import { runOnHost } from "./connect";

const LIMIT_MS = 15_000;

/** Those of `addresses` that answer. A host without ping(8) gets none. @throws PushError without a way in */
export async function answersFrom(
  access: HostAccess,
  addresses: readonly string[],
): Promise<Set<string>> {
  const odd = addresses.find((address) => !/^[0-9a-f.:]+$/.test(address));
  if (odd !== undefined) throw new Error("an address for a shell is not plain");
  const ping = 'ping -n -c 2 -W 2 "$one" </dev/null >/dev/null 2>&1 && echo "answers $one"';
  const script = `for one in ${addresses.join(" ")}; do { ${ping}; } & done; wait\n`;
  const { stdout } = await runOnHost(access, script, { limitMs: LIMIT_MS });
  const lines = stdout.split("\n").filter((line) => line.startsWith("answers "));
  return new Set(lines.map((line) => line.slice("answers ".length)));
}
