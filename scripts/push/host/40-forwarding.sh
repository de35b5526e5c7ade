# Passing packets on: sysctl, live and at boot. What somebody else switched on is never switched off.
# shellcheck shell=sh

# $1, $2: 1 or 0 for IPv4 and IPv6.
set_forwarding() {
  forward_family ipv4 net.ipv4.ip_forward "$1"
  forward_family ipv6 net.ipv6.conf.all.forwarding "$2"
}

# The mark that it was us stays until the change is confirmed: before that, a boot brings forwarding back.
forward_family() {
  if [ "$3" = 1 ] && [ "$(sysctl_value "$2")" = 0 ]; then
    [ "$1" = ipv4 ] || keep_router_advertisements
    echo 1 | write_state "switched-on-$1"
    set_sysctl "$2" 1
  elif [ "$3" = 0 ] && [ -f "$STATE/switched-on-$1" ]; then
    set_sysctl "$2" 0
  fi
}

# $1, $2: as above, what was confirmed. What is off then and was ours is nobody's any more.
forget_forwarding() {
  [ "${1:-0}" = 1 ] || rm -f "$STATE/switched-on-ipv4"
  [ "${2:-0}" = 1 ] || rm -f "$STATE/switched-on-ipv6"
}

# A forwarding kernel stops listening to router advertisements unless told 2, and the host would lose its IPv6 default
# route (Documentation/networking/ip-sysctl, accept_ra).
keep_router_advertisements() {
  for file in /proc/sys/net/ipv6/conf/*/accept_ra; do
    if [ "$(cat "$file")" = 1 ]; then echo 2 >"$file"; fi
  done
}

sysctl_path() { tell "/proc/sys/$(printf '%s' "$1" | tr . /)"; }
sysctl_value() { cat "$(sysctl_path "$1")" 2>/dev/null || tell absent; }
set_sysctl() { tell "$2" >"$(sysctl_path "$1")" || die "cannot set $1 to $2" "is this a container without that right?"; }

forwarding_fits() {
  [ "$(read_state forwarding)" = "$forwarding4 $forwarding6" ] || return 1
  [ "$forwarding4" = 0 ] || [ "$(sysctl_value net.ipv4.ip_forward)" = 1 ] || return 1
  [ "$forwarding6" = 0 ] || [ "$(sysctl_value net.ipv6.conf.all.forwarding)" = 1 ]
}

# For the next boot: the text of the file, empty when nothing is to be forwarded.
drop_in_text() {
  [ "$1$2" != 00 ] || return 0
  tell "# wireguard-mesh: $IFACE"
  [ "$1" = 0 ] || tell "net.ipv4.ip_forward = 1"
  [ "$2" = 0 ] || tell "net.ipv6.conf.all.forwarding = 1"
}

# $1, $2: as above; absent where nothing was confirmed yet.
drop_in_fits() { [ "$(cat "$DROP_IN" 2>/dev/null)" = "$(drop_in_text "${1:-0}" "${2:-0}")" ]; }

# Beside the file first, as long as a full disk does no harm.
stage_drop_in() {
  rm -f "$DROP_IN.new"
  [ "$1$2" != 00 ] || return 0
  { mkdir -p "${DROP_IN%/*}" && drop_in_text "$1" "$2" >"$DROP_IN.new" && chmod 644 "$DROP_IN.new" && on_disk "$DROP_IN.new"; } 2>/dev/null ||
    no_room "${DROP_IN%/*}"
}

place_drop_in() { if [ -f "$DROP_IN.new" ]; then mv "$DROP_IN.new" "$DROP_IN"; else rm -f "$DROP_IN"; fi; }
