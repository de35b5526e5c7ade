# What is true on this host, for status and for a push that lost its connection. Changes nothing, prints no secret.
# shellcheck shell=sh

facts() {
  if [ -f "$STATE/owner" ]; then facts_of_state; fi
  [ ! -f "$LIVE" ] || tell "file $(digest_of "$LIVE")"
  tell "forwarding $(sysctl_value net.ipv4.ip_forward) $(sysctl_value net.ipv6.conf.all.forwarding)"
  tell "now $(date +%s)"
  if ! link_exists; then
    tell "interface missing"
    return 0
  fi
  tell "interface $(if ip link show dev "$IFACE" up | grep -q .; then echo up; else echo down; fi)"
  tell "backend $(running_backend)"
  tell "mtu $(cat "/sys/class/net/$IFACE/mtu")"
  tell "addresses $(ip -o address show dev "$IFACE" scope global | awk '{ print $4 }' | tr '\n' ' ')"
  facts_of_keys "$IFACE" ''
  for second in $(known_seconds); do
    tell "alternate $second"
    facts_of_keys "$second" alternate-
  done
  route_changes | sed 's/^/route /'
  [ ! -f "$LIVE" ] || stale_endpoints "$LIVE" | sed 's/^/stale /'
}

# Columns 1 and 2 of the dump are the private key or a preshared key: never printed.
facts_of_keys() {
  wg show "$1" dump 2>/dev/null | awk -F '\t' -v of="$2" '
    NR == 1 { print of "public-key " $2; print of "listen-port " $3; next }
    { print of "peer", $1, $3, $4, $5, $6, $7, $8 }'
}

facts_of_state() {
  { read -r owned_by; read -r known_as || true; read -r on_machine || true; } <"$STATE/owner"
  tell "owner $owned_by"
  tell "node ${known_as:-}"
  tell "machine ${on_machine:-}"
  [ ! -f "$THIS_BOOT/pending" ] || tell "pending $(recall pending)"
  tell "rolled-back $(recall rolled-back)"
  [ -z "$(recorded pairs "$LIVE")$(recorded alternate "$LIVE")" ] || tell "watcher $(if watcher_runs; then echo running; else echo missing; fi)"
  tell "digest $(read_state digest)"
  tell "confirmed-file $(read_state file)"
  # Whatever the other facts do not show: a preshared key, say.
  if confirmed_file && ! (runs "$LIVE") 2>/dev/null; then tell "runs-otherwise"; fi
  note_firewall
  # shellcheck disable=SC2046 # two words are meant
  if enabled_at_boot && drop_in_fits $(read_state forwarding); then tell "at-boot yes"; else tell "at-boot no"; fi
}
