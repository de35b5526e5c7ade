/** Disruption: pings that are lost on an existing tunnel while a peer is added or removed, beside `wg-quick down` and `up`. */
import * as fs from "node:fs";
import { LabError } from "../lab/world";
import type { Lab } from "../lab/lab";
import { log } from "../log";
import { poll } from "../poll";
import { sampleOf, type Figure } from "./figures";
import { execute, handMadeAddress, HAND_MADE, upByHand } from "./hand-made";
import { addressOf, createLargeStack, withoutPeer } from "./large-network";
import { engine, worldOf, withLab } from "./network";

interface Options {
  runs: number;
  /** The lab id. */
  id: string;
}

const INTERVAL_S = 0.02;
/** Longer than WireGuard needs for a new handshake after the other end has lost the session (15 s). */
const REPLY_MS = 120_000;

export function disruption({ runs, id }: Options): Promise<Figure[]> {
  return withLab(id, worldOf(3), async (lab) => {
    const stack = await createLargeStack(lab, { hosts: 3, peers: 3 });
    const [full, less] = [fs.readFileSync(stack.file, "utf8"), withoutPeer(stack, "p3")];
    await engine(lab, "up", "--yes", "--skip-preview");
    await upByHand(lab);
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let run = 1; run <= runs; run++) {
      fs.writeFileSync(stack.file, run % 2 === 1 ? less : full);
      const up = () => engine(lab, "up", "--yes", "--skip-preview");
      ours.push(await lostDuring(lab, addressOf(3), up));
      const restart = `wg-quick down ${HAND_MADE} && wg-quick up ${HAND_MADE}`;
      const again = () => execute(lab, "relay", ["sh", "-c", restart]);
      theirs.push(await lostDuring(lab, handMadeAddress(2), again));
      log(`run ${run} of ${runs}: lost ${ours.at(-1) ?? ""} and ${theirs.at(-1) ?? ""}`);
    }
    const figure: Figure = {
      ...{ section: "disruption", unit: `pings of ${INTERVAL_S * 1000} ms lost` },
      what: "one peer added or removed, seen by two others",
      ours: sampleOf(ours),
      rival: { name: "`wg-quick down`, `up` on the relay", ...sampleOf(theirs) },
      target: { of: "value", most: 0 },
      headline: true,
    };
    return [figure];
  });
}

/** The number of lost pings from p1, up to the last one with a reply, which was sent after the action. */
async function lostDuring(lab: Lab, to: string, act: () => Promise<unknown>): Promise<number> {
  const argv = ["ping", "-n", "-i", String(INTERVAL_S), to];
  const child = lab.spawn("p1", argv, { stdio: "pipe" });
  let printed = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const replies = (): number => printed.split("bytes from").length - 1;
  const goesOn = async (): Promise<void> => {
    const until = replies() + 20;
    const limits = { limitMs: REPLY_MS, pauseMs: 20 };
    if (await poll(() => (replies() >= until ? true : undefined), limits)) return;
    throw new LabError(`p1 does not reach ${to}`);
  };
  try {
    await goesOn();
    await act();
    await goesOn();
  } finally {
    child.kill();
  }
  const numbers = [...printed.matchAll(/icmp_seq=(\d+) .*time=/g)].map(([, at]) => Number(at));
  return Math.max(...numbers) - new Set(numbers).size;
}
