# Passing packets on: sysctl, live and at boot. What somebody else switched on is never switched off.
# shellcheck shell=sh

# $1, $2: 1 or 0 for IPv4 and IPv6.
set_forwarding() {
  forward_family ipv4 net.ipv4.ip_forward "$1"
  forward_family ipv6 net.ipv6.conf.all.forwarding "$2"
}

forward_family() {
  if [ "$3" = 1 ] && [ "$(sysctl_value "$2")" = 0 ]; then
    [ "$1" = ipv4 ] || keep_router_advertisements
    set_sysctl "$2" 1
    echo 1 | write_state "switched-on-$1"
  elif [ "$3" = 0 ] && [ -f "$STATE/switched-on-$1" ]; then
    set_sysctl "$2" 0
    rm -f "$STATE/switched-on-$1"
  fi
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

# For the next boot; gone when nothing is to be forwarded.
write_drop_in() {
  if [ "$1$2" = 00 ]; then
    rm -f "$DROP_IN"
    return 0
  fi
  mkdir -p /etc/sysctl.d
  { tell "# wireguard-mesh: $IFACE"
    [ "$1" = 0 ] || tell "net.ipv4.ip_forward = 1"
    [ "$2" = 0 ] || tell "net.ipv6.conf.all.forwarding = 1"; } >"$DROP_IN.new"
  chmod 644 "$DROP_IN.new"
  mv "$DROP_IN.new" "$DROP_IN"
}
