# Makes the running interface what a file says, with the least disturbance that does it.
# shellcheck shell=sh disable=SC2154

# $1: a checked wg-quick file that is named after the interface.
converge() {
  if ! link_exists; then
    start "$1" || return 1
  elif ! converge_running "$1"; then
    say "restarting $IFACE: it could not be changed while running"
    restart "$1" || return 1
  fi
  endpoints_in "$1" | remember endpoints
}

# A broken interface may refuse to go down in good order; wireguard-go ends when its link is deleted.
restart() {
  bounded 20 wg-quick down "$1" || ip link del dev "$IFACE" || true
  start "$1"
}

# Without an MTU line wg-quick works one out; it is kept, for the day when an MTU line comes and goes again.
start() {
  bounded 20 wg-quick up "$1" || return 1
  [ -n "$(setting MTU "$1")" ] || write_state own-mtu <"/sys/class/net/$IFACE/mtu"
}

converge_running() {
  stripped=$STATE/stripped
  strip "$1" "$stripped"
  drop_roamed_endpoints "$1" "$stripped" >"$stripped.sync"
  converged=0
  wg syncconf "$IFACE" "$stripped.sync" && converge_addresses "$1" && converge_mtu "$1" && converge_routes &&
    ip link set up dev "$IFACE" || converged=1
  rm -f "$stripped" "$stripped.sync"
  return "$converged"
}

# What wg(8) takes of a wg-quick file. `wg syncconf` with an empty file, or one without a private key, would take every
# peer and the key away and call it a success: so neither ever reaches it.
strip() {
  unlocked wg-quick strip "$1" >"$2" 2>"$2.why" || bad_config "$(tail -n 1 "$2.why")"
  rm -f "$2.why"
  [ -s "$2" ] || bad_config "wg-quick strip gave nothing"
  grep -q '^ *PrivateKey *= *[A-Za-z0-9+/]' "$2" || bad_config "it has no private key"
}

bad_config() { die "the config was refused before anything was changed: $1" "this is a bug: report it"; }

# wg(8): a peer that moved keeps its new address as long as it is heard from. A config that did not change the
# endpoint must not send it back, so the line is left out where the last handshake is fresh (REJECT_AFTER_TIME, 180 s).
# Changed against what was last set, not against the file: in a rollback the two differ, and that is the very point.
drop_roamed_endpoints() {
  { last_endpoints | sed 's/^/was /'
    wg show "$IFACE" latest-handshakes | awk -v now="$(date +%s)" '$2 > now - 180 { print "fresh", $1 }'
    endpoints_in "$1" | sed 's/^/is /'
    sed 's/^/line /' "$2"; } | awk '
    $1 == "was"   { was[$2] = $3 }
    $1 == "is"    { is[$2] = $3 }
    $1 == "fresh" { fresh[$2] = 1 }
    $1 != "line"  { next }
    { sub(/^line /, "") }
    /^ *PublicKey *=/ { key = $0; sub(/^[^=]*= */, "", key) }
    /^ *Endpoint *=/ && fresh[key] && was[key] == is[key] { next }
    { print }'
}

# After a boot it was wg-quick that set them, from the file.
last_endpoints() {
  if [ -f "$THIS_BOOT/endpoints" ]; then recall endpoints; elif [ -f "$LIVE" ]; then endpoints_in "$LIVE"; fi
}

# Lines `PUBLICKEY ENDPOINT`.
endpoints_in() {
  awk '/^ *PublicKey *=/ { sub(/^[^=]*= */, ""); key = $0 } /^ *Endpoint *=/ { sub(/^[^=]*= */, ""); print key, $0 }' "$1"
}

# The new ones first, so that the interface is never without; deleting one may take others of its subnet along, so the
# wanted ones are set once more.
converge_addresses() {
  wanted=$(setting Address "$1" | tr ',' '\n' | tr -d ' ')
  set_addresses "$wanted"
  for address in $(ip -o address show dev "$IFACE" scope global | awk '{ print $4 }'); do
    listed "$address" "$wanted" || ip address del "$address" dev "$IFACE"
  done
  set_addresses "$wanted"
}

set_addresses() { for address in $1; do ip address replace "$address" dev "$IFACE" || return 1; done; }

converge_mtu() { ip link set mtu "$(mtu_for "$1")" dev "$IFACE"; }

# 1420: what wg-quick takes where it knows no better (1500 less 80 of IPv6, UDP and WireGuard).
mtu_for() {
  wanted_mtu=$(setting MTU "$1")
  [ -n "$wanted_mtu" ] || wanted_mtu=$(read_state own-mtu)
  tell "${wanted_mtu:-1420}"
}

# As wg-quick up: a route for each allowed prefix that the interface's own subnets do not cover, and none besides.
converge_routes() {
  allowed=$(wg show "$IFACE" allowed-ips | cut -f 2- | tr '[:space:]' '\n' | grep / | sort -u || true)
  for prefix in $allowed; do
    family=$(family_of "$prefix")
    [ -n "$(ip "$family" route show dev "$IFACE" match "$prefix")" ] ||
      ip "$family" route add "$prefix" dev "$IFACE" || return 1
  done
  for family in -4 -6; do
    for route in $(ip "$family" route show dev "$IFACE" | grep -v 'proto kernel' | awk '{ print $1 }'); do
      case $route in */* | default | fe80:* | ff00:*) ;; *:*) route=$route/128 ;; *) route=$route/32 ;; esac
      listed "$route" "$allowed" || ip "$family" route del "$route" dev "$IFACE"
    done
  done
}

family_of() { case $1 in *:*) tell -6 ;; *) tell -4 ;; esac; }

# The value of one key of the [Interface] section.
setting() { awk -v key="$1" '/^\[Peer\]/ { exit } $1 == key { sub(/^[^=]*= */, ""); print }' "$2"; }

listed() { printf '%s\n' "$2" | grep -qxF -- "$1"; }

# Whether the interface runs just what the live file says: nobody has changed it by hand.
healthy() {
  [ -f "$LIVE" ] && link_exists || return 1
  [ "$(digest_of "$LIVE")" = "$(read_state file)" ] || return 1
  [ "$(setting Address "$LIVE" | tr ',' '\n' | tr -d ' ' | sort)" = \
    "$(ip -o address show dev "$IFACE" scope global up | awk '{ print $4 }' | sort)" ] || return 1
  [ "$(mtu_for "$LIVE")" = "$(cat "/sys/class/net/$IFACE/mtu")" ] || return 1
  strip "$LIVE" "$STATE/stripped"
  fits=0
  [ "$(public_key_in "$STATE/stripped")" = "$(wg show "$IFACE" public-key)" ] || fits=1
  [ "$(essence <"$STATE/stripped")" = "$(wg showconf "$IFACE" | essence)" ] || fits=1
  rm -f "$STATE/stripped"
  return "$fits"
}

# Public, because the kernel clamps a private key (RFC 7748) and shows another one than it was given.
public_key_in() { awk '/^ *PrivateKey *=/ { sub(/^[^=]*= */, ""); print; exit }' "$1" | wg pubkey; }

# The facts about peers in one order: keys, keepalives and allowed prefixes, without endpoints, which may roam.
essence() {
  awk '
    function flush() { if (section != "") print section; section = "" }
    { line = $0; gsub(/[ \t\r]/, "", line) }
    line ~ /^\[/ { flush(); section = line; next }
    line ~ /^(PublicKey|PresharedKey|PersistentKeepalive)=/ { section = section " " line }
    line ~ /^AllowedIPs=/ {
      sub(/^AllowedIPs=/, "", line); count = split(line, prefix, ",")
      for (i = 1; i <= count; i++) { at = i
        while (at > 1 && prefix[at - 1] > prefix[at]) { swap = prefix[at]; prefix[at] = prefix[at - 1]; prefix[at - 1] = swap; at-- } }
      for (i = 1; i <= count; i++) section = section " " prefix[i] }
    END { flush() }' | sed 's/ PersistentKeepalive=0//' | sort_words | sort
}

# A section is a line; its words come in no fixed order.
sort_words() { while read -r section; do printf '%s\n' "$section" | tr ' ' '\n' | sort | tr '\n' ' '; echo; done; }
