/** Config as an import writes it. */

/** Plain values, as they are written into the stack file. */
export type Fields = Record<string, unknown>;
