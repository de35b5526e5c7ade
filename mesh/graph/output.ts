/** The picture in the stack's outputs. */
import type { Plan } from "../plan/plan";
import { mermaidOf } from "./mermaid";
import { pictureOf } from "./picture";
import { topologyOf } from "./topology";

/** Limited, because each version of the state stores the outputs. */
const MAX_LENGTH = 16_384;

/** The picture as Mermaid text; undefined if it is larger than that. */
export function graphOutput(plan: Plan): string | undefined {
  const text = mermaidOf(pictureOf(topologyOf(plan)));
  return text.length > MAX_LENGTH ? undefined : text;
}
