# A relay's second interface, for its other key: the same peers on another port. Its routes stand in a table of their own
# that is asked before the main one, so that no route of the first interface is ever touched: a moved peer is one route more.
# shellcheck shell=sh disable=SC2154,SC2034

ROUTE_TABLE=5182

# Runs something as if the second interface were the first.
as_second() {
  first=$IFACE first_live=$LIVE
  IFACE=$1 LIVE=/etc/wireguard/$1.conf
  shift
  went=0
  "$@" || went=1
  IFACE=$first LIVE=$first_live
  return "$went"
}

refuse_foreign_second() {
  [ -n "$alternate" ] || return 0
  case " $(recorded alternate "$LIVE") $(recorded alternate "$STAGED") " in *" $alternate "*) return 0 ;; esac
  [ -e "/etc/wireguard/$alternate.conf" ] || [ -e "/sys/class/net/$alternate" ] || return 0
  die "there already is a $alternate that wireguard-mesh did not make; it was not touched" \
    "it is needed while the key of this relay changes: rename yours (wg-quick down $alternate; mv /etc/wireguard/$alternate.conf ...)"
}

stage_second() {
  [ -n "$alternate" ] || return 0
  [ "$(printf '%s' "$alternate_config" | base64 -d 2>/dev/null | sha256sum | cut -d ' ' -f 1)" = "$alternate_sha256" ] || damaged
  file=$STAGE/$alternate.conf
  { printf '%s' "$alternate_config" | base64 -d >"$file"; } 2>/dev/null || no_room "$STAGE"
  [ "$(digest_of "$file")" = "$alternate_sha256" ] || no_room "$STAGE"
  on_disk "$file"
  strip "$file"
}

# $1: the file of the first interface, beside which the second one's stands.
second_file() {
  name=$(recorded alternate "$1")
  [ -z "$name" ] || case $1 in "$STAGED") tell "$STAGE/$name.conf" ;; *) tell "/etc/wireguard/$name.conf" ;; esac
}

# Up and as its file says, or gone. $1: as above.
converge_second() {
  name=$(recorded alternate "$1")
  for other in $(known_seconds); do [ "$other" = "$name" ] || drop_second "$other"; done
  [ -n "$name" ] || return 0
  file=$(second_file "$1")
  if [ -e "/sys/class/net/$name" ]; then
    as_second "$name" sync_second "$file" || return 1
  else
    bounded 20 wg-quick up "$file" || return 1
  fi
  as_second "$name" note_endpoints "$file"
  open_second "$name"
}

note_endpoints() { endpoints_in "$1" | remember "endpoints-$IFACE" || true; }

sync_second() {
  strip "$1"
  renewed=$(moved_endpoints "$1")
  sync_peers "$1"
}

# What the second interface needs besides; lost at every boot.
open_second() {
  ip link set mtu "$(cat "/sys/class/net/$IFACE/mtu" 2>/dev/null || tell 1420)" dev "$1" || true
  for family in -4 -6; do
    [ -n "$(ip "$family" rule show pref "$ROUTE_TABLE" 2>/dev/null)" ] ||
      ip "$family" rule add pref "$ROUTE_TABLE" table "$ROUTE_TABLE" 2>/dev/null || true
  done
  loosen "$1"
  loosen "$IFACE"
}

# Strict reverse path filtering (rp_filter 1) would drop what comes in on one interface while the route still leads out of
# the other. The larger of `all` and the interface's own counts (Documentation/networking/ip-sysctl).
loosen() {
  [ -e "/proc/sys/net/ipv4/conf/$1/rp_filter" ] || return 0
  own=$(cat "/proc/sys/net/ipv4/conf/$1/rp_filter")
  all=$(cat /proc/sys/net/ipv4/conf/all/rp_filter)
  if [ "$own" != 2 ] && [ "$all" != 2 ] && [ "$own$all" != 00 ]; then
    [ "$1" != "$IFACE" ] || tell "$own" | remember rp-filter
    echo 2 >"/proc/sys/net/ipv4/conf/$1/rp_filter"
  fi
}

# Interfaces that this script has made, by what it wrote down.
known_seconds() {
  { recorded alternate "$LIVE"; recorded alternate "$STAGED"; second_interface; } | sort -u | grep . || true
}

drop_second() {
  [ ! -e "/sys/class/net/$1" ] || ip link del dev "$1" || true
  for family in -4 -6; do
    [ -n "$(ip "$family" route show table "$ROUTE_TABLE" 2>/dev/null)" ] ||
      ip "$family" rule del pref "$ROUTE_TABLE" 2>/dev/null || true
  done
  if [ -f "$THIS_BOOT/rp-filter" ] && link_exists; then recall rp-filter >"/proc/sys/net/ipv4/conf/$IFACE/rp_filter"; fi
  rm -f "$THIS_BOOT/rp-filter" "$THIS_BOOT/endpoints-$1"
}

# The routes to those whose last handshake was on the second interface, and no others.
move_routes() {
  name=$(second_interface)
  [ -n "$name" ] && [ -e "/sys/class/net/$name" ] || return 0
  { recall keys
    tell "$verdict"
    for family in -4 -6; do
      ip "$family" route show table "$ROUTE_TABLE" dev "$name" 2>/dev/null | sed 's/^/route /' || true
    done; } | routes_to_move "$name" | while read -r what family prefix; do
    from=
    [ "$what" = del ] || from=$(ip "$family" -o address show dev "$IFACE" scope global 2>/dev/null | awk '{ sub(/\/.*/, "", $4); print $4; exit }')
    ip "$family" route "$what" "$prefix" dev "$name" ${from:+src "$from"} table "$ROUTE_TABLE" || true
  done
}

# Lines `replace FAMILY PREFIX` and `del FAMILY PREFIX`. The way out to everywhere is not a peer's own and stays where it is.
routes_to_move() {
  awk -v name="$1" '
    # ip prints a route to a single address without its length.
    function whole(prefix) { return prefix ~ /\// ? prefix : prefix (prefix ~ /:/ ? "/128" : "/32") }
    function family(prefix) { return prefix ~ /:/ ? "-6" : "-4" }
    $1 == "prefixes" { list[$2] = $3 }
    $1 == "routed" && $3 == name { routed[$2] = 1 }
    $1 == "route" { there[whole($2)] = 1 }
    END {
      for (key in routed) {
        count = split(list[key], prefix, ",")
        for (i = 1; i <= count; i++) if (prefix[i] !~ /\/0$/) wanted[prefix[i]] = 1
      }
      for (one in wanted) if (!(one in there)) print "replace", family(one), one
      for (one in there) if (!(one in wanted)) print "del", family(one), one
    }'
}

commit_second() {
  former=$(recorded alternate "$LIVE")
  name=$(recorded alternate "$STAGED")
  [ -z "$name" ] || replace "$STAGE/$name.conf" "/etc/wireguard/$name.conf"
  [ -z "$former" ] || [ "$former" = "$name" ] || rm -f "/etc/wireguard/$former.conf"
}

second_fits() {
  name=$(second_interface)
  [ -n "$name" ] || return 0
  [ -f "/etc/wireguard/$name.conf" ] && [ -e "/sys/class/net/$name" ] || return 1
  as_second "$name" runs_keys "/etc/wireguard/$name.conf"
}
