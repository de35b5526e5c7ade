/** The picture that a stack has as an output. */
import type { Plan } from "../plan/plan";
import { mermaidOf } from "./mermaid";
import { pictureOf } from "./picture";
import { topologyOf } from "./topology";

/** A state keeps its outputs in every version. */
const MOST_LETTERS = 16_384;

/** As Mermaid text; undefined for a network whose picture would be larger than a state should keep. */
export function graphOutput(plan: Plan): string | undefined {
  const text = mermaidOf(pictureOf(topologyOf(plan)));
  return text.length > MOST_LETTERS ? undefined : text;
}
