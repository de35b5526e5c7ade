/** Pings and connections between machines of the lab, by test/support/traffic.mjs. */
import * as assert from "node:assert/strict";
import { once } from "node:events";
import * as fs from "node:fs";
import * as path from "node:path";
import { poll } from "../../../scripts/poll";
import type { Lab } from "../../../scripts/lab/lab";
import { succeeded } from "./mesh-session";

/** Copied to every machine, because the repository is not visible there. */
export const TRAFFIC = "/run/traffic.mjs";
const SOURCE = path.join(__dirname, "../../support/traffic.mjs");

/** A ping or connection from a machine; `port` is 0 for a ping. */
export interface Attempt {
  from: string;
  /** An address. */
  to: string;
  protocol: "icmp" | "tcp" | "udp";
  port: number;
}

/** Starts servers that answer on every machine. */
export async function serveEverywhere(lab: Lab): Promise<void> {
  const input = fs.readFileSync(SOURCE, "utf8");
  await Promise.all(
    lab.hosts.map(async (host) => {
      succeeded(await lab.exec(host, ["sh", "-c", `cat >${TRAFFIC}`], { input }));
      const stdio = ["ignore", "pipe", "inherit"] as const;
      const server = lab.spawn(host, ["node", TRAFFIC, "serve"], { stdio: [...stdio] });
      assert.ok(server.stdout);
      await once(server.stdout, "data");
    }),
  );
}

/** The attempts that are answered, tried on all machines at once. All but pings need the servers. */
export async function answered(lab: Lab, attempts: readonly Attempt[]): Promise<Attempt[]> {
  const machines = [...new Set(attempts.map(({ from }) => from))];
  const results = machines.map(async (machine) => {
    const own = attempts.filter(({ from }) => from === machine);
    const pings = own.filter(({ protocol }) => protocol === "icmp");
    const others = own.filter(({ protocol }) => protocol !== "icmp");
    return (await Promise.all([pinged(lab, machine, pings), served(lab, machine, others)])).flat();
  });
  return (await Promise.all(results)).flat();
}

/**
 * The same, but retries the expected ones for a minute, because a packet may be lost, and handshakes
 * come first.
 */
export async function answeredSoon(
  lab: Lab,
  attempts: readonly Attempt[],
  expected: ReadonlySet<Attempt>,
): Promise<Attempt[]> {
  const found = new Set<Attempt>();
  await poll(
    async () => {
      const due = [...expected].filter((it) => !found.has(it));
      for (const one of await answered(lab, due)) found.add(one);
      return found.size === expected.size ? true : undefined;
    },
    { limitMs: 60_000, pauseMs: 200 },
  );
  const others = attempts.filter((it) => !expected.has(it));
  return [...found, ...(await answered(lab, others))];
}

export function attemptsText(attempts: readonly Attempt[]): string[] {
  const named = ({ protocol, port }: Attempt) =>
    protocol === "icmp" ? "ping" : `${protocol}/${port}`;
  return attempts.map((it) => `${it.from} -> ${it.to} ${named(it)}`).sort();
}

async function pinged(lab: Lab, machine: string, attempts: readonly Attempt[]): Promise<Attempt[]> {
  const addresses = attempts.map(({ to }) => to);
  if (addresses.length === 0) return [];
  const ping = 'for to; do ping -n -c 1 -W 2 "$to" >/dev/null 2>&1 && echo "$to" & done; wait';
  const { stdout } = succeeded(await lab.exec(machine, ["sh", "-c", ping, "sh", ...addresses]));
  const replied = stdout.split("\n");
  return attempts.filter(({ to }) => replied.includes(to));
}

async function served(lab: Lab, machine: string, attempts: readonly Attempt[]): Promise<Attempt[]> {
  if (attempts.length === 0) return [];
  const cases = attempts.map(({ protocol, to, port }) => [protocol, to, port]);
  const argv = ["node", TRAFFIC, "try", JSON.stringify(cases)];
  const { stdout } = succeeded(await lab.exec(machine, argv));
  const answers = JSON.parse(stdout) as boolean[];
  return attempts.filter((_, at) => answers[at]);
}
