/** The cost of `plan`, which needs no engine, for networks of several sizes. */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { stringify } from "yaml";
import { log } from "../log";
import { costSample, median, exactly, type Figure, type Sample } from "./figures";
import { addressOf } from "./large-network";
import { costOf, measure, type Measured } from "./measure";
import { benchFolder, MESH, withCountedLab, worldOf } from "./network";

interface Options {
  peers: number;
  runs: number;
  /** The lab id. */
  id: string;
}

interface Size {
  peers: number;
  lans: number;
}

export function planSizes({ peers, runs, id }: Options): Promise<Figure[]> {
  // The lab serves only to count the CPU time of commands.
  return withCountedLab(id, worldOf(1), async (lab, groups) => {
    const folder = benchFolder(lab);
    const plans = async (size: Size): Promise<Measured[]> => {
      const file = path.join(folder, `${size.peers}-${size.lans}.yaml`);
      fs.writeFileSync(file, stackText(size));
      const all: Measured[] = [];
      for (let run = 1; run <= runs; run++)
        all.push(await measure(lab, groups, [...MESH, "plan", "--file", file]));
      log(`plan of ${size.peers} peers: ${all.at(-1)?.wallSeconds.toFixed(1) ?? ""} s`);
      return all;
    };
    const small = await plans({ peers: 2, lans: 0 });
    const [one, five, ten] = [
      await plans({ peers, lans: 0 }),
      await plans({ peers: 5 * peers, lans: 0 }),
      await plans({ peers: 10 * peers, lans: 0 }),
    ];
    const lans = await plans({ peers: 2 * peers, lans: peers });
    const base = costs(small);
    const figure = (what: string, all: Measured[], most?: number): Figure => ({
      ...{ section: "plan", what, unit: "s", ours: costs(all) },
      ...(most === undefined ? {} : { target: { of: "value", most } }),
    });
    const count = (times: number): string => (times * peers).toLocaleString("en");
    return [
      { ...figure("`plan` of 2 peers", small) },
      { ...figure(`\`plan\` of ${count(1)} peers`, one, base.median + 1) },
      {
        ...figure(`\`plan\` of ${count(10)} peers`, ten),
        headline: true,
        rival: { name: `${count(5)} peers`, ...costs(five) },
        target: { of: "ratio", most: 2.2 },
      },
      figure(`\`plan\` of ${count(10)} peers, with its start`, ten, 10),
      figure(`\`plan\` of ${count(2)} peers with ${count(1)} LANs`, lans, 5),
      {
        ...{ section: "plan", what: `\`plan\` of ${count(10)} peers: memory`, unit: "MB" },
        ours: exactly(median(ten.map(({ memory }) => memory / 1e6))),
      },
    ];
  });
}

function costs(all: Measured[]): Sample {
  return costSample(all.map(costOf));
}

/** A stack file with random public keys. */
function stackText({ peers, lans }: Size): string {
  const publicKey = (): string => randomBytes(32).toString("base64");
  const peer = (at: number): [string, unknown] => {
    const lan = at < lans ? { subnets: [`10.${100 + (at >> 8)}.${at & 255}.0/24`] } : {};
    return [`d${at}`, { address: addressOf(at + 2), publicKey: publicKey(), ...lan }];
  };
  const relay = { address: addressOf(1), publicKey: publicKey(), endpoint: "203.0.113.10:51820" };
  const config = {
    "wireguard-mesh:network": { cidr: "10.0.0.0/16" },
    "wireguard-mesh:relays": { relay },
    "wireguard-mesh:peers": Object.fromEntries(Array.from({ length: peers }, (_, at) => peer(at))),
  };
  return stringify({ config }, { lineWidth: 0 });
}
