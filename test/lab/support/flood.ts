/** Counts forbidden packets that get through while an nft table is replaced, and how often it is loaded. */
import * as assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { poll } from "../../../scripts/poll";
import type { Lab } from "../../../scripts/lab/lab";
import { succeeded } from "./mesh-session";

const PORT = 9999;
const COUNTER = `table inet lab { chain in { type filter hook prerouting priority -300; iifname wg0 udp dport ${PORT} counter; }; }`;
/** Arguments: address and port. A packet every 20 ms. */
const SEND = `use Socket; socket(S, PF_INET, SOCK_DGRAM, 0) or die; connect(S, sockaddr_in($ARGV[1], inet_aton($ARGV[0])));
while (1) { send(S, "x", 0); select(undef, undef, undef, 0.02) }`;

interface Floods {
  relay: string;
  pairs: string[][];
  addressOf: (host: string) => string;
}

export class Flood {
  private constructor(
    private readonly lab: Lab,
    private readonly relay: string,
    private readonly receivers: string[],
    private readonly senders: ChildProcess[],
  ) {}

  /** Resolves when the first packets have arrived at the relay. */
  static async begin(lab: Lab, { relay, pairs, addressOf }: Floods): Promise<Flood> {
    const receivers = pairs.flatMap(([, to = ""]) => to);
    await Promise.all(
      [relay, ...receivers].map(async (host) => succeeded(await lab.exec(host, ["nft", COUNTER]))),
    );
    const senders = pairs.map(([from = "", to = ""]) =>
      lab.spawn(from, ["perl", "-e", SEND, addressOf(to), String(PORT)], { stdio: "ignore" }),
    );
    const flood = new Flood(lab, relay, receivers, senders);
    const flows = async () => ((await flood.arrived()) > 100 ? true : undefined);
    assert.ok(
      await poll(flows, { limitMs: 60_000, pauseMs: 100 }),
      "no packet arrives at the relay",
    );
    return flood;
  }

  /** The number of packets at the relay. */
  arrived(): Promise<number> {
    return this.count(this.relay);
  }

  /** The number of packets at their receivers. */
  async passed(): Promise<number> {
    const counts = await Promise.all(this.receivers.map((host) => this.count(host)));
    return counts.reduce((sum, one) => sum + one, 0);
  }

  end(): void {
    for (const sender of this.senders) sender.kill();
  }

  private async count(host: string): Promise<number> {
    const list = await this.lab.exec(host, ["nft", "list", "table", "inet", "lab"]);
    const packets = /counter packets (\d+)/.exec(succeeded(list).stdout)?.[1];
    assert.ok(packets !== undefined, host);
    return Number(packets);
  }
}

/** Counts the transactions in which a host's own nft table changes (nft-monitor). */
export class TableLoads {
  private printed = "";

  private constructor(
    private readonly lab: Lab,
    private readonly host: string,
    private readonly child: ChildProcess,
  ) {
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.printed += text));
  }

  static async begin(lab: Lab, host: string): Promise<TableLoads> {
    const loads = new TableLoads(lab, host, lab.spawn(host, ["nft", "monitor"], { stdio: "pipe" }));
    await loads.mark("begin");
    return loads;
  }

  /** Stops counting. @returns the number of transactions */
  async end(): Promise<number> {
    await this.mark("end");
    const ended = once(this.child, "close");
    this.child.kill();
    await ended;
    const transactions = this.printed.split(/^# new generation .*\n/m);
    return transactions.filter((lines) => lines.includes("wireguard-mesh-wg0")).length;
  }

  /** Changes another table until nft-monitor prints it: from then on, or up to then, all is counted. */
  private async mark(name: string): Promise<void> {
    const change = `add table inet ${name}; delete table inet ${name}`;
    const isPrinted = async () => {
      succeeded(await this.lab.exec(this.host, ["nft", change]));
      return this.printed.includes(`delete table inet ${name}`) ? true : undefined;
    };
    const limits = { limitMs: 30_000, pauseMs: 50 };
    assert.ok(await poll(isPrinted, limits), this.printed.slice(-500));
  }
}
