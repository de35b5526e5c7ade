/** A packet filter of another program on a host or a router, as a script for nft(8). */

/** `rule`: the packets to drop at this hook. */
export function drops(hook: "input" | "forward", rule: string): string {
  return `nft -f - <<EOF\ntable inet fault { chain c { type filter hook ${hook} priority -10; ${rule} drop; }; }\nEOF`;
}

export const NO_DROPS = "nft delete table inet fault";
