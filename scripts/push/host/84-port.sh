# A relay with another UDP port still serves the former one for hosts that only the tunnel leads to: a line
# `port IFACE OLD NEW KEYS` of RUN/rotation (mesh/host/former-port.ts). Without conntrack, whose entries would keep a host at the
# former port: it gets its answers from the port that it spoke to last, and from the former one before it has spoken.

PORT_RULES='add table inet TABLE
delete table inet TABLE
table inet TABLE {
  set moved4 { type ipv4_addr . inet_service; flags dynamic; size 65535; }
  set moved6 { type ipv6_addr . inet_service; flags dynamic; size 65535; }
  chain in {
    type filter hook prerouting priority -310;
    fib daddr type != local return
    udp dport NEW add @moved4 { ip saddr . udp sport }
    udp dport NEW add @moved6 { ip6 saddr . udp sport }
    udp dport OLD delete @moved4 { ip saddr . udp sport }
    udp dport OLD delete @moved6 { ip6 saddr . udp sport }
    udp dport OLD udp dport set NEW
  }
  chain out {
    type filter hook output priority 150;
    udp sport != NEW return
    ip daddr . udp dport != @moved4 udp sport set OLD
    ip6 daddr . udp dport != @moved6 udp sport set OLD
  }
}'
# For RUN/rotation. $1: `add` or `delete`. No interface has a slash in its name, so no filter has this table.
former_port() {
  local line table="$TABLE/former"
  line=$(grep -s '^port ' "$RUN/rotation") || return 0
  if [ "$1" = delete ]; then nft delete table inet "$table" 2>/dev/null || true; return; fi
  # shellcheck disable=SC2086 # words are meant
  set -- $line
  printf '%s\n' "$PORT_RULES" | sed "s,TABLE,$table,; s/OLD/$3/; s/NEW/$4/g" | nft -f -
}
# Settled once each of the keys $4 was heard at the new port last. Somebody may have flushed all tables.
follow_port() {
  local moved key at
  moved=$(for at in moved4 moved6; do nft list set inet "$TABLE/former" "$at"; done 2>/dev/null); [ -n "$moved" ] || ! lock 0 || ! watched || former_port add
  for key in $(printf '%s' "$4" | tr , ' '); do
    at=$(wg show "$1" endpoints | grep -F "$key$TAB" | sed "s/.*$TAB//; s/[][]//g; s/:\([0-9]*\)\$/ . \1/")
    printf '%s\n' "$moved" | grep -q -w -F "${at:-none}" || return 1
  done
}
