# Makes the running interface what a file says, with the least disturbance that does it.
# shellcheck shell=sh disable=SC2154

# $1: a checked wg-quick file that is named after the interface.
converge() {
  lock_keys
  take_up_keys "$1"
  settle_keys look
  if ! link_exists; then
    start "$1" || return 1
  elif ! converge_running "$1"; then
    say "restarting $IFACE: it could not be changed while running"
    restart "$1" || return 1
  fi
  converge_second "$1" || return 1
  settle_keys act
  if ! runs "$1"; then
    say "$IFACE did not become what it was told to be"
    return 1
  fi
  # Only a help for the next change: no reason to fail in this one.
  endpoints_in "$1" | remember "endpoints-$IFACE" || true
  unlock_keys
  follow_keys
}

# A broken interface may refuse to go down in good order; wireguard-go ends when its link is deleted.
restart() {
  bounded 10 wg-quick down "$1" || ip link del dev "$IFACE" || true
  start "$1"
}

# Without an MTU line wg-quick works one out; it is kept, for the day when an MTU line comes and goes again.
start() {
  bounded 15 wg-quick up "$1" || return 1
  [ -n "$(setting MTU "$1")" ] || (write_state own-mtu <"/sys/class/net/$IFACE/mtu") || true
}

converge_running() {
  ! default_routed_anew "$1" || return 1
  strip "$1"
  renewed="$(moved_endpoints "$1") $abandoned"
  rekeyed=no
  own_key_fits "$1" || rekeyed=yes
  sync_peers "$1" && prod "$1" && converge_addresses "$1" && converge_mtu "$1" && converge_routes && ip link set up dev "$IFACE"
}

# What wg(8) takes of a wg-quick file, into $stripped: nothing is written, so a full disk is no hindrance. `wg syncconf` with
# an empty file, or one without a private key, would take every peer and the key away and call it a success: neither
# ever reaches it.
strip() {
  stripped=$(unlocked wg-quick strip "$1" 2>/dev/null) || bad_config "$(unlocked wg-quick strip "$1" 2>&1 >/dev/null | tail -n 1)"
  [ -n "$stripped" ] || bad_config "wg-quick strip gave nothing"
  tell "$stripped" | grep -q '^ *PrivateKey *= *[A-Za-z0-9+/]' || bad_config "it has no private key"
}

bad_config() { die "the config was refused before anything was changed: $1" "this is a bug: report it"; }

# Peers, keys and port of the file $1, which stands in $stripped. Without syncconf (before 2020) what it does is done by hand.
sync_peers() {
  wanted=$(tell "$stripped" | drop_roamed_endpoints "$1" | place_prefixes "$verdict" | keep_port_and_mark | say_what_is_off)
  knows_syncconf=no
  ! wg help 2>&1 | grep -q syncconf || knows_syncconf=yes
  # From here on until the config is set, these peers hear nothing.
  forget_sessions "$renewed"
  if [ "$knows_syncconf" = yes ]; then
    tell "$wanted" | bounded 8 wg syncconf "$IFACE" /dev/stdin
    return
  fi
  for key in $(wg show "$IFACE" peers); do
    tell "$wanted" | grep -qF "$key" || wg set "$IFACE" peer "$key" remove || return 1
  done
  tell "$wanted" | bounded 8 wg addconf "$IFACE" /dev/stdin
}

# wg(8): a peer that moved keeps its new address as long as it is heard from. A config that did not change the
# endpoint must not send it back, so the line is left out where the last handshake is fresh (REJECT_AFTER_TIME, 180 s).
# Changed against what was last set, not against the file: in a rollback the two differ, and that is the very point.
drop_roamed_endpoints() {
  { last_endpoints | sed 's/^/was /'
    for key in $renewed; do tell "renewed $key"; done
    wg show "$IFACE" latest-handshakes | awk -v now="$(date +%s)" '$2 > now - 180 { print "fresh", $1 }'
    endpoints_in "$1" | sed 's/^/is /'
    sed 's/^/line /'; } | awk '
    $1 == "was"   { was[$2] = $3 }
    $1 == "is"    { is[$2] = $3 }
    $1 == "fresh" { fresh[$2] = 1 }
    $1 == "renewed" { renewed[$2] = 1 }
    $1 != "line"  { next }
    { sub(/^line /, "") }
    /^ *PublicKey *=/ { key = $0; sub(/^[^=]*= */, "", key) }
    /^ *Endpoint *=/ && fresh[key] && !renewed[key] && was[key] == is[key] { next }
    { print }'
}

# syncconf takes an absent port for "any other", and an absent mark for none (config.c, config_read_init): a host that
# nobody dials would change its port with each change, and its neighbours would have to follow it.
keep_port_and_mark() {
  port=$(wg show "$IFACE" listen-port)
  mark=$(wg show "$IFACE" fwmark)
  awk -v port="$port" -v mark="$mark" '
    { line[NR] = $0 }
    /^ *ListenPort *=/ { has_port = 1 }
    /^ *FwMark *=/ { has_mark = 1 }
    END { for (i = 1; i <= NR; i++) { print line[i]
      if (line[i] ~ /^\[Interface\]/) {
        if (!has_port && port > 0) print "ListenPort = " port
        if (!has_mark && mark != "off") print "FwMark = " mark } } }'
}

# Of a peer that is there, syncconf and addconf leave what the text does not mention: what a change takes out has to be
# said. A preshared key of zeros is none (wg(8)).
say_what_is_off() {
  awk -v zeros="$(head -c 32 /dev/zero | base64)" '
    function off() {
      if (peer && !shared) print "PresharedKey = " zeros
      if (peer && !alive) print "PersistentKeepalive = off"
      peer = shared = alive = 0
    }
    /^ *\[/ { off() }
    /^ *\[Peer\]/ { peer = 1 }
    /^ *PresharedKey *=/ { shared = 1 }
    /^ *PersistentKeepalive *=/ { alive = 1 }
    { print }
    END { off() }'
}

# After a boot it was wg-quick that set them, from the file.
last_endpoints() {
  if [ -f "$THIS_BOOT/endpoints-$IFACE" ]; then recall "endpoints-$IFACE"; elif [ -f "$LIVE" ]; then endpoints_in "$LIVE"; fi
}

# Lines `PUBLICKEY ENDPOINT`.
endpoints_in() {
  awk '/^ *PublicKey *=/ { sub(/^[^=]*= */, ""); key = $0 } /^ *Endpoint *=/ { sub(/^[^=]*= */, ""); print key, $0 }' "$1"
}

# The new ones first, so that the interface is never without; deleting one may take others of its subnet along, so the
# wanted ones are set once more.
converge_addresses() {
  wanted=$(setting Address "$1" | tr ',' '\n' | tr -d ' ')
  set_addresses "$wanted" || return 1
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

# The value of one key of the [Interface] section.
setting() { awk -v key="$1" '/^\[Peer\]/ { exit } $1 == key { sub(/^[^=]*= */, ""); print }' "$2"; }

listed() { printf '%s\n' "$2" | grep -qxF -- "$1"; }
