/** The data plane: throughput and latency of a relay, with and without its packet filter, beside hand-made WireGuard. */
import type { Lab } from "../lab/lab";
import { LabError } from "../lab/world";
import { log } from "../log";
import { poll } from "../poll";
import { median, sampleOf, type Figure, type Sample, type Target } from "./figures";
import { execute, handMadeAddress, HAND_MADE, upByHand } from "./hand-made";
import { addressOf, createLargeStack } from "./large-network";
import { engine, withLab, worldOf } from "./network";

interface Options {
  peers: number;
  runs: number;
  /** The lab id. */
  id: string;
}

/** One measurement from p1 through the relay to p2. */
interface Flow {
  mbitPerSecond: number;
  /** CPU seconds of all WireGuard processes for each GB; NaN with kernel WireGuard, which has no process. */
  cpuSeconds: number;
  /** The median round-trip time. */
  pingMs: number;
}

const SECONDS = 4;
const PINGS = 300;
const PORT = 8050;
const TABLE = "inet wireguard-mesh-wg0";

export function dataPlane({ peers, runs, id }: Options): Promise<Figure[]> {
  return withLab(id, worldOf(2), async (lab) => {
    log(`pushing a policy for ${peers} peers`);
    await createLargeStack(lab, { hosts: 2, peers, policy: true });
    await engine(lab, "up", "--yes", "--skip-preview");
    await upByHand(lab, peers - 2);
    const flows: Record<"hand" | "open" | "filtered", Flow[]> = {
      hand: [],
      open: [],
      filtered: [],
    };
    for (let run = 1; run <= runs; run++) {
      // With a filter the kernel tracks connections on all interfaces, so the others run without it.
      flows.filtered.push(await flow(lab, "wg0", addressOf(3)));
      await removeFilters(lab);
      const hand = async () => flows.hand.push(await flow(lab, HAND_MADE, handMadeAddress(2)));
      const open = async () => flows.open.push(await flow(lab, "wg0", addressOf(3)));
      for (const one of run % 2 === 0 ? [hand, open] : [open, hand]) await one();
      await restoreFilters(lab);
      const rates = Object.values(flows).map((all) => all.at(-1)?.mbitPerSecond.toFixed(0) ?? "");
      log(
        `run ${run} of ${runs}: by hand, without policy, with policy: ${rates.join(", ")} Mbit/s`,
      );
    }
    return figuresOf(flows, peers);
  });
}

function figuresOf(flows: Record<"hand" | "open" | "filtered", Flow[]>, peers: number): Figure[] {
  const rows = [
    { what: "without policy", ours: flows.open, beside: flows.hand, name: "by hand", least: 0.97 },
    {
      ...{ what: `policy of 6 rules, ${peers.toLocaleString("en")} peers`, ours: flows.filtered },
      ...{ beside: flows.hand, name: "by hand", least: 0.95 },
    },
    {
      what: "the policy alone",
      ours: flows.filtered,
      beside: flows.open,
      name: "without",
      least: 0.98,
    },
  ];
  return rows.flatMap(({ what, ours, beside, name, least }) => {
    const of = (all: Flow[], take: (one: Flow) => number): Sample => sampleOf(all.map(take));
    const figure = (
      ...[kind, unit, take, target]: [string, string, (one: Flow) => number, Target?]
    ): Figure => ({
      ...{ section: "data-plane", what: `relay, ${what}: ${kind}`, unit, ours: of(ours, take) },
      rival: { name, ...of(beside, take) },
      ...(target === undefined ? {} : { target }),
    });
    const headline = beside === flows.hand ? { headline: true as const } : {};
    const figures = [
      {
        ...figure("TCP", "Mbit/s", (one) => one.mbitPerSecond, { of: "ratio", least }),
        ...headline,
      },
      figure("round trip", "ms", (one) => one.pingMs),
      figure("WireGuard's CPU", "s/GB", (one) => one.cpuSeconds),
    ];
    return figures.filter((one) => !Number.isNaN(one.ours.median));
  });
}

async function flow(lab: Lab, device: string, address: string): Promise<Flow> {
  const before = await wireguardSeconds(lab, device);
  const { bytes, seconds } = await send(lab, address);
  const used = (await wireguardSeconds(lab, device)) - before;
  return {
    mbitPerSecond: (bytes * 8) / seconds / 1e6,
    cpuSeconds: used / (bytes / 1e9),
    pingMs: await roundTrip(lab, address),
  };
}

const RECEIVE = `use IO::Socket::INET; use Time::HiRes "time"; $| = 1;
$server = IO::Socket::INET->new(Listen => 1, LocalPort => $ARGV[0], ReuseAddr => 1) or die $!;
print "listening\\n"; $client = $server->accept; $start = time;
while ($got = sysread($client, $text, 1 << 20)) { $bytes += $got }
print "done $bytes ", time - $start, "\\n";`;

const SEND = `use IO::Socket::INET;
$to = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1]) or die $!;
$text = "\\0" x (1 << 18); $end = time + $ARGV[2];
while (time < $end) { syswrite($to, $text) or die $! }`;

/** Sends over one TCP connection. In Perl, which every Debian has. */
async function send(lab: Lab, address: string): Promise<{ bytes: number; seconds: number }> {
  const receiver = lab.spawn("p2", ["perl", "-e", RECEIVE, String(PORT)], { stdio: "pipe" });
  let printed = "";
  receiver.stdout?.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const waitFor = async (text: string): Promise<void> => {
    const limits = { limitMs: 30_000, pauseMs: 20 };
    if (await poll(() => (printed.includes(text) ? true : undefined), limits)) return;
    throw new LabError(`no TCP connection from p1 to ${address}: ${printed}`);
  };
  try {
    await waitFor("listening");
    await execute(lab, "p1", ["perl", "-e", SEND, address, String(PORT), String(SECONDS)]);
    await waitFor("done");
  } finally {
    receiver.kill();
  }
  const [, bytes, seconds] = /done (\d+) (\S+)/.exec(printed) ?? [];
  return { bytes: Number(bytes), seconds: Number(seconds) };
}

async function roundTrip(lab: Lab, address: string): Promise<number> {
  const argv = ["ping", "-n", "-i", "0.005", "-c", String(PINGS), address];
  const printed = await execute(lab, "p1", argv);
  return median([...printed.matchAll(/time=(\S+)/g)].map(([, ms]) => Number(ms)));
}

/** CPU time of a device's WireGuard processes on all hosts, counted in ticks of 10 ms; NaN without any. */
async function wireguardSeconds(lab: Lab, device: string): Promise<number> {
  const script = `for it in /proc/[0-9]*; do
    [ "$(tr '\\0' ' ' <$it/cmdline)" = "wireguard-go ${device} " ] && cat $it/stat; done 2>/dev/null; true`;
  const lines: string[] = [];
  for (const host of lab.hosts)
    lines.push(...(await execute(lab, host, ["sh", "-c", script])).split("\n"));
  const ticks = lines.flatMap((line) => {
    // User and system time are fields 14 and 15 (proc_pid_stat(5)); the name before is in brackets.
    const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
    return line === "" ? [] : [Number(fields[11]) + Number(fields[12])];
  });
  return ticks.length === 0 ? NaN : ticks.reduce((sum, one) => sum + one, 0) / 100;
}

const SAVED = "/run/filter.nft";

async function removeFilters(lab: Lab): Promise<void> {
  const script = `nft list table ${TABLE} >${SAVED} && nft delete table ${TABLE}`;
  for (const host of lab.hosts) await lab.exec(host, ["sh", "-c", script]);
}

async function restoreFilters(lab: Lab): Promise<void> {
  const script = `[ ! -s ${SAVED} ] || nft -f ${SAVED}`;
  for (const host of lab.hosts) await execute(lab, host, ["sh", "-c", script]);
}
