/** How a picture looks: dark text on light boxes, so that it can be read on a light and on a dark page. */
import type { Box } from "./boxes";
import type { Mark } from "./topology";

/** Broken and removed parts are dashed and added ones wide, for people who cannot see the colours. */
export interface Look {
  name: string;
  fill: string;
  stroke: string;
  dashed: boolean;
  wide: boolean;
}

export const TEXT = "#1f2328";

const TONES: Record<Mark["tone"], Look> = {
  good: look("good", "#dafbe1", "#1a7f37"),
  partly: look("partly", "#fff8c5", "#9a6700"),
  bad: { ...look("bad", "#ffebe9", "#cf222e"), dashed: true, wide: true },
  quiet: { ...look("quiet", "#f6f8fa", "#6e7781"), dashed: true },
  added: { ...look("added", "#dafbe1", "#1a7f37"), wide: true },
  removed: { ...look("removed", "#ffebe9", "#cf222e"), dashed: true },
};

const RELAY = look("relay", "#ddf4ff", "#0969da");
const NODE = look("node", "#ffffff", "#57606a");

/** For LANs, the internet and notes. */
export const PLACE = look("place", "#f6f8fa", "#8c959f");

function look(name: string, fill: string, stroke: string): Look {
  return { name, fill, stroke, dashed: false, wide: false };
}

export function lookOf({ kind, mark }: Pick<Box, "kind" | "mark">): Look {
  if (mark !== null) return TONES[mark.tone];
  if (kind === "relay") return RELAY;
  return kind === "lan" || kind === "internet" ? PLACE : NODE;
}

export function lineLookOf(mark: Mark | null): Look {
  return mark === null ? NODE : TONES[mark.tone];
}
