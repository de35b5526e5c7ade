# Moves of hosts that only the tunnel leads to: the lines `former`, `own`, `home` and `port` of RUN/rotation. The watcher checks
# them until all have answered at the new place for longer than a change can be undone; then it writes RUN/settled and stops.

# Called at every second look of the watcher. $soon bounds a ping: 0.5 s, or 1 s where timeout(1) takes no fractions.
follow_moves() {
  local kind name address former now _relays settled=yes silent
  [ ! -f "$RUN/settled" ] && has ping && grep -q -E '^(former|home|port) ' "$RUN/rotation" || return 0
  [ -n "${soon-}" ] || { soon='timeout 0.5' && $soon true 2>/dev/null || soon='timeout 1'; }
  # Those homes that were in use at the last look.
  silent=$({ printf '%s\n' "${homes-$(grep '^home ' "$RUN/rotation")}" && grep '^former ' "$RUN/rotation"; } | silent_ones)
  homes=$(homes_in_use)
  find_homes || settled=no
  unlock
  while read -r kind name address former now _relays <&3; do
    case $kind in former | own | home | port) "follow_$kind" "$name" "$address" "$former" "$now" || settled=no ;; esac
    unlock
  done 3<"$RUN/rotation"
  if [ "$settled" = no ]; then steady=0; else steady=$((${steady-0} + 1)); fi
  # At least 180 s: 900 calls, one at every second look, and a look takes 0.1 s.
  [ "$steady" -lt 900 ] || ! lock 0 || ! watched || grep -E '^(former|home|port) ' "$RUN/rotation" >"$RUN/settled"
  unlock
}
# Prints those lines of its input whose address does not answer. In parallel, because each silent one takes half a second or more.
silent_ones() {
  while read -r kind name address former; do
    [ -z "$kind" ] || answers "$address" || printf '%s\n' "$kind $name $address $former" &
  done
  wait
}
answers() { $soon ping -n -c 1 -W 2 "${1%/*}" >/dev/null 2>&1; }

# `former IFACE ADDRESS FORMER [KEY]`: while ADDRESS does not answer, its peer (or KEY) also has the prefixes FORMER.
# `own IFACE ADDRESS`: this relay keeps its own former address until all have settled (mesh/host/former-addresses.ts).
follow_former() {
  local answered=yes all key one has=no others=''
  case $NL$silent in *"${NL}former $1 $2 "*) answered=no ;; esac
  # Another push may have come meanwhile.
  lock 0 && watched || return 1
  all=$(wg show "$1" allowed-ips | grep -w -F "${4:-$2}")
  key=${all%%"$TAB"*}
  for one in ${all#*"$TAB"}; do case ,$3, in *,"$one",*) has=yes ;; *) others="$others,${one#(none)}" ;; esac; done
  case ${key:+$answered$has} in
    yesyes) wg set "$1" peer "$key" allowed-ips "${others#,}" ;;
    nono) others=$3$others && wg set "$1" peer "$key" allowed-ips "${others%,}" ;;
  esac
  [ "$answered" = yes ]
}
follow_own() { [ "${steady-0}" -lt 899 ] || ! lock 0 || ! watched || ip address del "$2" dev "$1" || true; }

# The `home` lines whose address is still in use: without former addresses of hosts that answer at the new one.
homes_in_use() {
  local here
  here=$(grep '^former ' "$RUN/rotation" | grep -v -x -F "$silent")
  # At least an empty line: after an empty first input, awk would take the second one for it.
  printf '%s\n' "$here" | awk 'NR == FNR { for (n = split($4, left, ","); n; n--) was[left[n]]; next } $1 == "home" && !($3 in was)' - "$RUN/rotation"
}
# Tries the other peer for each silent address. Fails if the lock is taken.
find_homes() {
  local lost tries=3
  lost=$(printf '%s\n' "$homes" | grep -x -F "$silent")
  [ -n "$lost" ] || return 0
  lock 0 && watched || return 1
  swap_homes there
  # The other relay may be about to follow too. A host that is never heard may be far away.
  while [ -n "$lost" ] && [ "$((tries -= 1))" -ge 0 ]; do lost=$(printf '%s\n' "$lost" | silent_ones); done
  if [ -z "$lost" ]; then misses=0; else swap_homes back; misses=$((${misses-0} + 1)); fi
  [ "$misses" -lt 20 ] || soon='timeout 2'
}
# $1: `there`, to the peer of the two that does not have the address; `back`, to FORMER.
swap_homes() {
  printf '%s\n' "$lost" | while read -r kind name address former now; do
    [ "$1" = back ] || is_with "$now" "$name" "$address" || former=$now
    give "$former" "$name" "$address"
  done
}
# `home IFACE ADDRESS FORMER NOW`: ADDRESS is routed to the one of two peers through which it answers, or else to FORMER
# (mesh/host/moving-homes.ts).
follow_home() { case $homes in *" $2 "*) is_with "$4" "$1" "$2" ;; esac; }
is_with() { wg show "$2" allowed-ips | grep -w -F "$3" | grep -q -F "$1$TAB"; }
# Skips a peer that does not exist, because wg would create it.
give() {
  local list
  list=$(wg show "$2" allowed-ips | grep -F "$1$TAB" | sed "s/.*$TAB//; s/(none)//; s/ /,/g; s/\$/,/")$3
  [ "$list" = "$3" ] || wg set "$2" peer "$1" allowed-ips "${list#,}"
}
