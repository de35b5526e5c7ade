# A relay with a new UDP port also serves the former one for hosts that only the tunnel leads to: a line
# `port IFACE OLD NEW KEYS [RELAYS]` of RUN/rotation (mesh/host/former-port.ts). A peer gets its answers from the port to which it
# sent last, KEYS get theirs from OLD until they send, and RELAYS always from NEW, which they follow. No conntrack: its entries
# would keep a peer at OLD. V and IP stand for 4 and ip, or for 6 and ip6.
PORT_RULES='table inet TABLE {
  set formerV { type ipvV_addr . inet_service; flags dynamic; size 65535; }
  set relaysV { type ipvV_addr . inet_service; }
  chain inV {
    type filter hook prerouting priority -310;
    fib daddr type != local return
    udp dport NEW delete @formerV { IP saddr . udp sport }
    udp dport OLD add @formerV { IP saddr . udp sport }
    meta nfproto ipvV udp dport OLD udp dport set NEW
  }
  chain outV {
    type filter hook output priority 150;
    udp sport NEW IP daddr . udp dport != @relaysV IP daddr . udp dport @formerV udp sport set OLD
  }
}'
ports_in() { grep -s '^port ' "$1" | cut -d ' ' -f 1-4; }
# For RUN/rotation. $1: `new`, before any of the hosts has spoken to the new port; `add`, or `delete`. No interface has a slash in
# its name, so no filter has this table.
former_port() {
  local line what="$1" table="$TABLE/former" key
  line=$(grep -s '^port ' "$RUN/rotation") || return 0
  if [ "$what" = delete ]; then nft delete table inet "$table" 2>/dev/null || true; return; fi
  # shellcheck disable=SC2086 # words are meant
  set -- $line
  {
    echo "add table inet $table" && echo "delete table inet $table"
    for key in 4,ip 6,ip6; do printf '%s\n' "$PORT_RULES" | sed "s/V/${key%,*}/g; s/IP/${key#*,}/g; s/OLD/$3/; s/NEW/$4/; s,TABLE,$table,"; done
    port_elements "$2" relays "${6-}"
    [ "$what" = add ] || port_elements "$2" former "$5"
  } | nft -f -
}
# $1: interface, $2: sets, $3: keys.
port_elements() {
  local key at
  for key in $(printf '%s' "$3" | tr , ' '); do
    at=$(endpoint_of "$1" "$key")
    case $at in *:*' . '*) echo "add element inet $table ${2}6 { $at }" ;; *' . '*) echo "add element inet $table ${2}4 { $at }" ;; esac
  done
}
# As an element of the sets: `ADDRESS . PORT`.
endpoint_of() { wg show "$1" endpoints | grep -F "$2$TAB" | sed "s/.*$TAB//; s/[][]//g; s/:\([0-9]*\)\$/ . \1/"; }
# Settled once none of the keys $4 sent to the former port last. All tables may have been flushed meanwhile.
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
