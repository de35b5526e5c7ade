# Proof before the change where that can be had, and after it where not: the keys named by `shake` must shake hands, or the
# change is undone. A new key of a neighbour is tried beside the old one, which carries the packets until then.
# shellcheck shell=sh disable=SC2154

# For two tries of WireGuard's own, which are 5 s apart (REKEY_TIMEOUT); confirm waits for 25 s in all.
SHAKE_S=8
# Set on the way back only.
abandoned=''

# Before anything is changed: which keys are to prove themselves, and those that can do so at once.
rehearse() {
  started=$(date +%s)
  unproven=
  moved=$(moved_endpoints "$STAGED")
  link_exists || { unproven=$(recorded shake "$STAGED"); return 0; }
  own_key=kept
  own_key_fits "$STAGED" || own_key=new
  for key in $(recorded shake "$STAGED"); do
    if ! is_peer "$key"; then
      [ "$own_key" = new ] || try_beside "$key" || return 1
    elif [ "$own_key" = kept ] && ! listed "$key" "$moved"; then
      continue
    fi
    unproven="$unproven $key"
  done
}

is_peer() { wg show "$IFACE" peers | grep -qxF -- "$1"; }

# Adds the key as a peer without prefixes, whose keepalive makes it shake hands now; then gives it the prefixes.
try_beside() {
  section_of "$1" <"$STAGED" | trial_section | bounded 8 wg addconf "$IFACE" /dev/stdin || return 1
  if ! until_true "$(seconds_left "$SHAKE_S")" has_shaken "$1"; then
    wg set "$IFACE" peer "$1" remove || true
    no_handshake "$1"
    return 1
  fi
  wg set "$IFACE" peer "$1" allowed-ips "$(prefixes_in "$STAGED" | awk -v key="$1" '$2 == key { print $3 }')"
}

trial_section() {
  tell "[Peer]"
  grep -E '^ *(PublicKey|PresharedKey|Endpoint) *='
  tell "PersistentKeepalive = 5"
}

has_shaken() {
  last=$(wg show "$IFACE" latest-handshakes | awk -v key="$1" '$1 == key { print $2 }')
  [ "${last:-0}" -ge "$started" ]
}

# Of so many since the beginning.
seconds_left() {
  left=$((started + $1 - $(date +%s)))
  tell "$((left > 0 ? left : 0))"
}

# After the change.
await_handshakes() {
  for key in $unproven; do
    until_true "$(seconds_left 15)" proven "$key" || { no_handshake "$key"; return 1; }
  done
}

# A neighbour that is to be dialled elsewhere may still dial this host from its former place, and be heard: that is no proof.
proven() {
  has_shaken "$1" && { ! listed "$1" "$moved" || [ "$(endpoint_now "$1")" = "$(endpoint_told "$1")" ]; }
}

endpoint_staged() { endpoints_in "$STAGED" | awk -v key="$1" '$1 == key { print $2 }'; }
endpoint_now() { wg show "$IFACE" endpoints | awk -v key="$1" '$1 == key { print $2 }'; }

# Only an IPv4 address can be compared as text; anything else counts as reached.
endpoint_told() {
  told=$(endpoint_staged "$1")
  case $told in *[!0-9.:]* | *:*:*) endpoint_now "$1" ;; *) tell "$told" ;; esac
}

no_handshake() {
  at=$(endpoint_staged "$1")
  say "no handshake with $(name_of "$1" "$STAGED") at $at within $(($(date +%s) - started)) s: is UDP port ${at##*:} open at ${at%:*}?"
}

# The comment above a section is its name.
name_of() {
  awk -v key="$1" '/^# / { name = substr($0, 3); sub(/ \(next key\)$/, "", name) }
    /^ *PublicKey *=/ { sub(/^[^=]*= */, ""); if ($0 == key) print name }' "$2"
}

# Peers that are to be dialled elsewhere than they were told last: their session belongs to the former place, and without a
# new one their packets would go unheard for 15 s.
moved_endpoints() {
  { last_endpoints | sed 's/^/was /'
    endpoints_in "$1"; } | awk '$1 == "was" { was[$2] = $3; next } ($1 in was) && was[$1] != $2 { print $1 }'
}

# On the way back: a neighbour that shook hands may have followed a new session of ours that is given up, so the old one is
# begun anew. $1: the file.
abandoned_peers() {
  [ -f "$STAGED" ] || return 0
  met=no
  for key in $(recorded shake "$STAGED"); do
    if wg show "$IFACE" latest-handshakes | awk -v key="$key" '$1 == key && $2 > 0 { found = 1 } END { exit !found }'; then met=yes; fi
  done
  [ "$met" = yes ] || return 0
  { endpoints_in "$STAGED" | sed 's/^/staged /'
    endpoints_in "$1"; } | awk '$1 == "staged" { staged[$2] = $3; next } staged[$1] != $2 { print $1 }'
}

# $1: keys. They come back with the config that is set next.
forget_sessions() {
  for key in $1; do
    if is_peer "$key"; then wg set "$IFACE" peer "$key" remove || true; fi
  done
}

# Right after the config is set: a ping makes WireGuard shake hands now. With a new key of its own this host has lost every
# session, so it speaks to everyone whose whereabouts it knows, not only to those that it dials. $1: the file.
prod() {
  [ -n "${renewed# }" ] || [ "$rekeyed" = yes ] || return 0
  case $1 in "$STAGED") dialled=$(read_state next-probes) ;; *) dialled=$(read_state probes) ;; esac
  [ "$rekeyed" = no ] || dialled="$dialled $(addresses_met)"
  for address in $dialled; do
    unlocked ping -n -c 1 -W 1 "$address" >/dev/null 2>&1 &
  done
}

addresses_met() {
  { wg show "$IFACE" endpoints
    wg show "$IFACE" allowed-ips; } | awk '
    NF == 2 && $2 ~ /:[0-9]+$/ { met[$1] = 1; next }
    met[$1] { for (i = 2; i <= NF; i++) if ($i ~ /\/(32|128)$/) { sub(/\/.*/, "", $i); print $i; break } }' | head -n 32
}
