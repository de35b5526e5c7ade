/** The config that an import writes. */

/** Plain values, as in the stack file. */
export type Fields = Record<string, unknown>;
