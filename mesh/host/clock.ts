/** Compares a host's clock with this machine's, because a wrong clock breaks WireGuard handshakes. */

/** Smaller differences are not reported, in seconds. */
const APART_S = 60;

/** A note; null if the difference is small or the host's clock is unknown. Both in seconds since 1970. */
export function clockNote(theirs: number | null, ours: number): string | null {
  const apart = clockApart(theirs, ours);
  if (apart === null) return null;
  return (
    `${apart}. WireGuard refuses a handshake whose time is not ` +
    "later than that of the last one it took (TAI64N), so a clock that goes back keeps the tunnel down until it has " +
    "caught up. Set the clocks right (timedatectl); to be let in at once, have the relay forget this node: " +
    "restart the interface there"
  );
}

/** The difference as text; null as in clockNote. */
export function clockApart(theirs: number | null, ours: number): string | null {
  const seconds = Math.round((theirs ?? ours) - ours);
  if (Math.abs(seconds) <= APART_S) return null;
  return `its clock is ${span(Math.abs(seconds))} ${seconds > 0 ? "ahead of" : "behind"} this machine's`;
}

function span(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
