# What moves while only the tunnel leads to it: lines of RUN/rotation that the watcher of keys follows beside its own. RUN/settled
# gets them once all have answered at the new place for longer than a change can be undone; then nothing is asked any more.

# For every other look of the watcher. Where timeout(1) knows fractions, $soon bounds a ping.
follow_moves() {
  local kind name address former now _relays settled=yes
  [ ! -f "$RUN/settled" ] && has ping && grep -q -E '^(former|home|port) ' "$RUN/rotation" || return 0
  [ -n "${soon-}" ] || { soon='timeout 0.5' && $soon true 2>/dev/null || soon='timeout 1'; }
  while read -r kind name address former now _relays <&3; do
    case $kind in former | own | home | port) "follow_$kind" "$name" "$address" "$former" "$now" || settled=no ;; esac
    unlock
  done 3<"$RUN/rotation"
  if [ "$settled" = no ]; then steady=0; else steady=$((${steady-0} + 1)); fi
  # 180 s at least, since a look takes 0.1 s.
  [ "$steady" -lt 900 ] || ! lock 0 || ! watched || grep -E '^(former|home|port) ' "$RUN/rotation" >"$RUN/settled"
  unlock
}
answers() { $soon ping -n -c 1 -W 2 "${1%/*}" >/dev/null 2>&1; }

# `former IFACE ADDRESS FORMER [KEY]`: a host has its former addresses, by this key if it is another one, while it does not answer
# at its new one; `own IFACE ADDRESS`: so has this relay its own, until all have settled (mesh/host/former-addresses.ts).
follow_former() {
  local answered=no all key one has=no others=''
  ! answers "$2" || answered=yes
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
# `home IFACE ADDRESS FORMER NOW`: the address is with the one of two peers by which it answers, with FORMER if it does not
# (mesh/host/moving-homes.ts).
follow_home() {
  if ! answers "$2"; then
    lock 0 && watched || return 1
    if is_with "$4" "$1" "$2"; then give "$3" "$1" "$2"; else give "$4" "$1" "$2"; fi
    # The other relay may be about to follow too. A host that is never heard may be far away.
    if answers "$2" || answers "$2" || answers "$2"; then misses=0; else give "$3" "$1" "$2"; misses=$((${misses-0} + 1)); fi
    [ "$misses" -lt 20 ] || soon='timeout 2'
  fi
  is_with "$4" "$1" "$2"
}
is_with() { wg show "$2" allowed-ips | grep -w -F "$3" | grep -q -F "$1$TAB"; }
# wg would make a peer that is not there.
give() {
  local list
  list=$(wg show "$2" allowed-ips | grep -F "$1$TAB" | sed "s/.*$TAB//; s/(none)//; s/ /,/g; s/\$/,/")$3
  [ "$list" = "$3" ] || wg set "$2" peer "$1" allowed-ips "${list#,}"
}
