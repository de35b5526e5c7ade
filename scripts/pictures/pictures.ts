/** The pictures in docs/pictures: each example network in health, with a node down, and with a change. */
import { changedNetwork } from "../../mesh/graph/changes";
import { pictureOf } from "../../mesh/graph/picture";
import type { RawConfig } from "../../mesh/config/read-draft";
import { readMesh } from "../../mesh/mesh";
import type { Plan } from "../../mesh/plan/plan";
import { recordOf } from "../../mesh/review/record";
import { svgOf } from "../cli/svg";
import type { LinkStatus } from "../stack/link-states";
import { liveTopology } from "../stack/live-topology";
import { EXAMPLES, type Example } from "./networks";

/** SVG by file name. */
export async function pictures(): Promise<Map<string, string>> {
  const drawn = Object.entries(EXAMPLES).flatMap(([name, example]) =>
    Object.entries(versionsOf(example)).map(
      async ([version, picture]) => [`${name}${version}.svg`, await svgOf(picture)] as const,
    ),
  );
  return new Map(await Promise.all(drawn));
}

function versionsOf({ config, changed, down }: Example) {
  const plan = planOf(config);
  const { topology, notes } = changedNetwork(planOf(changed), recordOf(plan));
  return {
    "": pictureOf(liveTopology(plan, linksOf(plan, null), new Map())),
    "-one-down": pictureOf(liveTopology(plan, linksOf(plan, down), new Map())),
    "-diff": pictureOf(topology, notes),
  };
}

/** The states that `status` would find. */
function linksOf({ links }: Plan, down: string | null): LinkStatus[] {
  return links.map(({ a, b }) => {
    const isDead = a === down || b === down;
    return { a, b, handshakeAge: isDead ? null : 10, state: isDead ? "dead" : "alive" };
  });
}

/** On a day before any of the dates in the examples. */
function planOf(config: RawConfig): Plan {
  const { plan, issues } = readMesh(config, 0);
  if (plan === null) throw new Error(JSON.stringify(issues));
  return plan;
}
