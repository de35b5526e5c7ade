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

# Peers, keys and port of the file $1, which stands in $stripped. Not by `wg syncconf`, which names everything anew, changed or
# not: while a peer's prefixes are replaced by the same ones, and while wireguard-go opens its socket again for the port that it
# has (device.go, BindUpdate), what arrives is lost. The new ones come first, so that no prefix is with nobody in between.
sync_peers() {
  wanted=$(tell "$stripped" | drop_roamed_endpoints "$1" | place_prefixes "$verdict")
  rekeyed=no
  own_key_fits "$1" || rekeyed=yes
  # From here on until the config is set, these peers hear nothing.
  forget_sessions "$renewed"
  tell "$wanted" | differences "$rekeyed" | bounded 8 wg addconf "$IFACE" /dev/stdin || return 1
  for key in $(wg show "$IFACE" peers); do
    tell "$wanted" | grep -qF "$key" || wg set "$IFACE" peer "$key" remove || return 1
  done
}

# What of a config is not so already, as `wg addconf` takes it: what that is not told of stays, a port that the system chose too,
# so a peer's section says what it no longer has. $1: whether our own key is another one. In: the config.
differences() {
  { wg showconf "$IFACE" | sed 's/^/is /'
    sed 's/^/line /'; } | awk -v rekeyed="$1" '
    function differs(key, i) {
      if (!(("is", key) in peer)) return 1
      if (value["line", key, "PresharedKey"] != value["is", key, "PresharedKey"]) return 1
      if (value["line", key, "PersistentKeepalive"] != value["is", key, "PersistentKeepalive"]) return 1
      if (("line", key, "Endpoint") in value && value["line", key, "Endpoint"] != value["is", key, "Endpoint"]) return 1
      if (prefixes["line", key] + 0 != prefixes["is", key] + 0) return 1
      for (i = 1; i <= prefixes["line", key]; i++) if (!(("is", key, prefix["line", key, i]) in has)) return 1
      return 0
    }
    { side = $1; sub(/^[a-z]+ ?/, ""); gsub(/[ \t\r]/, ""); name = $0; sub(/=.*/, "", name); text = substr($0, length(name) + 2) }
    name == "" || name ~ /^#/ || (name == "PersistentKeepalive" && (text == "off" || text == 0)) { next }
    name == "[Interface]" { key = "own"; next }
    name == "PublicKey" { key = text; peer[side, key] = 1; if (side == "line") order[++count] = key; next }
    name == "AllowedIPs" {
      size = split(text, part, ",")
      for (i = 1; i <= size; i++) if (!((side, key, part[i]) in has)) {
        has[side, key, part[i]] = 1; prefix[side, key, ++prefixes[side, key]] = part[i]
        list[side, key] = list[side, key] (prefixes[side, key] == 1 ? "" : ", ") part[i] }
      next }
    { value[side, key, name] = text }
    END {
      print "[Interface]"
      if (rekeyed == "yes") print "PrivateKey = " value["line", "own", "PrivateKey"]
      port = value["line", "own", "ListenPort"]
      if (port != "" && port != value["is", "own", "ListenPort"]) print "ListenPort = " port
      if (("line", "own", "FwMark") in value) print "FwMark = " value["line", "own", "FwMark"]
      for (i = 1; i <= count; i++) if (differs(key = order[i])) {
        print "[Peer]\nPublicKey = " key
        # Prefixes that are not named here are taken away all the same (config.c, WGPEER_REPLACE_ALLOWEDIPS).
        if (list["line", key] != "") print "AllowedIPs = " list["line", key]
        shared = value["line", key, "PresharedKey"]
        print "PresharedKey = " (shared == "" ? "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" : shared)
        print "PersistentKeepalive = " value["line", key, "PersistentKeepalive"] + 0
        if (("line", key, "Endpoint") in value) print "Endpoint = " value["line", key, "Endpoint"]
      }
    }'
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
