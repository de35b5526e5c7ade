# Sessions with a machine that another one has taken the place of: same key, same address, and no memory. WireGuard would go
# on sending into the old session until its timers run out, which takes an idle peer minutes (REJECT_AFTER_TIME, 180 s).
# shellcheck shell=sh disable=SC2154

# `instances` has a word INSTANCE:KEY for each peer that is a machine of our own making. Where another instance stands there
# than the last time, its peer section is taken out and put in again: the next packet shakes hands.
renew_sessions() {
  former=$(read_state instances)
  stale=
  for word in $instances; do
    before=$(printf '%s\n' "$former" | tr ' ' '\n' | grep -F ":${word#*:}" | head -n 1 || true)
    [ -z "$before" ] || [ "$before" = "$word" ] || stale="$stale ${word#*:}"
  done
  if [ -n "$stale" ] && [ -f "$LIVE" ] && link_exists; then begin_anew; fi
  [ "$former" = "$instances" ] || tell "$instances" | write_state instances
}

begin_anew() {
  strip "$LIVE"
  for key in $stale; do
    section=$(tell "$stripped" | section_of "$key")
    [ -n "$section" ] || continue
    wg set "$IFACE" peer "$key" remove
    tell "$section" | bounded 8 wg addconf "$IFACE" /dev/stdin
  done
  for probe in $probes; do
    unlocked ping -c 1 -W 2 "$probe" >/dev/null 2>&1 &
  done
  wait
  tell "note a relay's machine has been replaced: shook hands with it anew"
}

# The [Peer] section of a key, out of what wg(8) takes.
section_of() {
  awk -v key="$1" '
    function flush() { if (hit) printf "%s", section; section = ""; hit = 0 }
    /^\[/ { flush() }
    { section = section $0 "\n" }
    /^ *PublicKey *=/ { value = $0; sub(/^[^=]*= */, "", value); if (value == key) hit = 1 }
    END { flush() }'
}
