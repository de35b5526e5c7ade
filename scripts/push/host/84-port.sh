# A relay with another UDP port still serves the former one for hosts that only the tunnel leads to: a line
# `port IFACE OLD NEW KEYS` of RUN/rotation (mesh/host/former-port.ts). Without conntrack, whose entries would keep a host at the
# former port: a peer that spoke to the former port last gets its answers from there, as do these hosts until they have spoken.

PORT_RULES='add table inet TABLE
delete table inet TABLE
table inet TABLE {
  set former4 { type ipv4_addr . inet_service; flags dynamic; size 65535; }
  set former6 { type ipv6_addr . inet_service; flags dynamic; size 65535; }
  chain in {
    type filter hook prerouting priority -310;
    fib daddr type != local return
    udp dport NEW delete @former4 { ip saddr . udp sport }
    udp dport NEW delete @former6 { ip6 saddr . udp sport }
    udp dport OLD add @former4 { ip saddr . udp sport }
    udp dport OLD add @former6 { ip6 saddr . udp sport }
    udp dport OLD udp dport set NEW
  }
  chain out {
    type filter hook output priority 150;
    udp sport != NEW return
    ip daddr . udp dport @former4 udp sport set OLD
    ip6 daddr . udp dport @former6 udp sport set OLD
  }
}'
ports_in() { sed -n 's/^\(port .*\) .*/\1/p' "$1" 2>/dev/null; }
# For RUN/rotation. $1: `new`, before any of the hosts has spoken to the new port; `add`, or `delete`. No interface has a slash in
# its name, so no filter has this table.
former_port() {
  local line what="$1" table="$TABLE/former" key at
  line=$(grep -s '^port ' "$RUN/rotation") || return 0
  if [ "$what" = delete ]; then nft delete table inet "$table" 2>/dev/null || true; return; fi
  # shellcheck disable=SC2086 # words are meant
  set -- $line
  {
    printf '%s\n' "$PORT_RULES" | sed "s,TABLE,$table,; s/OLD/$3/; s/NEW/$4/g"
    [ "$what" = add ] || for key in $(printf '%s' "$5" | tr , ' '); do
      at=$(endpoint_of "$2" "$key")
      case $at in *:*' . '*) echo "add element inet $table former6 { $at }" ;; *' . '*) echo "add element inet $table former4 { $at }" ;; esac
    done
  } | nft -f -
}
# As an element of the sets: `ADDRESS . PORT`.
endpoint_of() { wg show "$1" endpoints | grep -F "$2$TAB" | sed "s/.*$TAB//; s/[][]//g; s/:\([0-9]*\)\$/ . \1/"; }
# Settled once none of the keys $4 was heard at the former port last. Somebody may have flushed all tables.
follow_port() {
  local former key at
  former=$(for at in former4 former6; do nft list set inet "$TABLE/former" "$at"; done 2>/dev/null)
  if [ -z "$former" ]; then ! lock 0 || ! watched || former_port add; return 1; fi
  for key in $(printf '%s' "$4" | tr , ' '); do
    at=$(endpoint_of "$1" "$key")
    case $at in *' . '*) ;; *) return 1 ;; esac
    ! printf '%s\n' "$former" | grep -q -w -F "$at" || return 1
  done
}
