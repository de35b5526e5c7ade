# The watcher of keys. While a neighbour has two keys, its allowed IPs go to the one with the latest handshake; while a relay has
# two interfaces, so do the routes to a peer (table 5182). mesh/host/watched-keys.ts describes the lines of RUN/rotation.

# $1: piece with the new rotation, or `-` for none. A watcher ends by itself when RUN/watcher changes.
watch_piece() {
  local former ports
  former=$(ports_in "$RUN/rotation")
  ports=$([ "$1" = - ] || ports_in "$CHANGE/$1")
  [ "$ports" = "$former" ] || former_port delete
  rm -f "$RUN/rotation" "$RUN/watcher" "$RUN/watcher-pid" "$RUN/keys" "$RUN/settled"
  [ "$1" != - ] || return 0
  cat "$CHANGE/$1" >"$RUN/rotation"
  # A table that stays knows who has moved.
  [ "$ports" = "$former" ] || former_port new || return 1
  cat /proc/sys/kernel/random/uuid >"$RUN/watcher"
  start_watcher
}
# The observation that follows must find it, also on a slow host.
start_watcher() {
  local tries=100
  launch "$STATE/host.sh" watch "$(first_line "$RUN/watcher")"
  until watcher_runs || [ $((tries -= 1)) = 0 ]; do pause 0.1; done
}
# As status, of a relay whose host nobody reaches: its watcher may have been killed, or take the host for settled.
mend() {
  lock 5 && rm -f "$RUN/settled" && { [ ! -f "$RUN/watcher" ] || watcher_runs || start_watcher; }
  unlock
  status
}
watcher_runs() { grep -q watch "/proc/$(first_line "$RUN/watcher-pid")/cmdline" 2>/dev/null; }

# By its unit. A commit that a power cut interrupted is finished before the second interface comes up.
watch_at_boot() {
  lock 25
  mkdir -p "$RUN"
  [ ! -f "$STATE/commit" ] || finish_commit >/dev/null
  [ -f "$STATE/rotation" ] || return 0
  cat "$STATE/rotation" >"$RUN/rotation"
  former_port add
  if [ -f "$SECOND_LIVE" ] && ! exists "$SECOND"; then
    without_lock timeout 20 wg-quick up "$SECOND_LIVE"
    for name in -4 -6; do ip "$name" rule add priority 5182 table 5182; done
    for name in "$IFACE" "$SECOND"; do loosen "$name"; done
  fi
  TOKEN=boot && echo boot >"$RUN/watcher"
  unlock
  watch
}
# Strict reverse path filtering drops what comes in on one interface while its route leads out of the other
# (Documentation/networking/ip-sysctl: the larger of both values counts).
loosen() {
  # read finds no end of line in a sysctl, and fails.
  read -r own <"/proc/sys/net/ipv4/conf/$1/rp_filter"; read -r all </proc/sys/net/ipv4/conf/all/rp_filter
  case $own$all in *2* | 00) ;; *) echo 2 >"/proc/sys/net/ipv4/conf/$1/rp_filter" ;; esac
}
# Looks ten times a second for ten minutes, then less often. Now and then it sets everything again, because somebody may have
# restarted an interface. Not while a change is carried out, which holds the lock.
watch() {
  local looks=0 seen last="$NL" order=''
  exec >/dev/null 2>&1
  ! watched || printf '%s\n' $$ >"$RUN/watcher-pid"
  while watched; do
    [ $((looks % 2)) != 0 ] || follow_moves
    seen=$NL$(wg show all latest-handshakes)$NL
    if [ "$seen" != "$last" ] || [ $((looks % 50)) = 0 ]; then
      if lock 0; then follow; last=$seen; fi
      unlock
    fi
    looks=$((looks + 1))
    if [ "$looks" -lt 6000 ]; then pause 0.1; else pause 0.4; fi
  done
}

watched() { [ "$(first_line "$RUN/watcher")" = "$TOKEN" ]; }

# Puts the keys with a new handshake at the end of `order`, words `IFACE:KEY`; of those that share something, the last one has
# it. New is what differs from the last look, because clocks may be set back; at the first look the times decide. In one
# second a neighbour goes on to its next key, not back.
follow() {
  local kind a b c d winner
  routes=$({ ip -4 route show table 5182 && ip -6 route show table 5182; } 2>/dev/null)
  # shellcheck disable=SC2046 # words are meant
  set -- $(printf '%s' "$seen" | awk 'NR == FNR { if ($1 == "pair") { ours[$2]; next_key[$2, $4] } if ($1 == "second") { ours[$2]; ours[$3] } next }
    $1 in ours { print $0, (($1, $2) in next_key) }' "$RUN/rotation" - | sort -k 3n -k 4n)
  while [ $# -ge 4 ]; do
    case $3$last in 0* | *"$NL$1$TAB$2$TAB$3$NL"*) ;; *) move_last "$1:$2" ;; esac
    shift 4
  done
  while read -r kind a b c d; do
    case $kind in
      pair) ! last_of "$a:$b" "$a:$c" || has_all "$a" "${winner#*:}" "$d" || wg set "$a" peer "${winner#*:}" allowed-ips "$d" ;;
      route) ! last_of "*:${a%:*}" "*:${a#*:}" || lead "${winner%%:*}" "$b" ;;
    esac
  done <"$RUN/rotation"
}
move_last() {
  rest=
  for one in $order; do [ "$one" = "$1" ] || rest="$rest $one"; done
  order="$rest $1"
}
# Sets `winner` to the last word of `order` that matches $1 or $2.
last_of() {
  winner=
  # shellcheck disable=SC2254 # patterns are meant
  for one in $order; do case $one in $1 | $2) winner=$one ;; esac; done
  [ -n "$winner" ]
}
# Whether the key $2 of the interface $1 has the prefixes $3, or is no peer: wg would make one, without its preshared key.
has_all() {
  has=$(wg show "$1" allowed-ips | grep -F "$2$TAB" | tr "$TAB" ' ')
  [ -n "$has" ] || return 0
  for prefix in $(printf '%s' "$3" | tr , ' '); do case " $has " in *" $prefix "*) ;; *) return 1 ;; esac; done
}
# Leads the prefixes $2 to the interface $1. The second one has no address of its own, so its routes name a source.
lead() {
  for prefix in $(printf '%s' "$2" | tr , ' '); do
    case $prefix in *:*) family=-6 shown=${prefix%/128} ;; *) family=-4 shown=${prefix%/32} ;; esac
    case $NL$routes in *"$NL$shown dev $SECOND "*) now=$SECOND ;; *) now=$IFACE ;; esac
    [ "$now" != "$1" ] || continue
    if [ "$1" = "$SECOND" ]; then
      source=$(ip "$family" -o address show dev "$IFACE" scope global | awk '{ sub("/.*", "", $4); print $4; exit }')
      ip "$family" route replace "$prefix" dev "$1" ${source:+src "$source"} table 5182
    else
      ip "$family" route del "$prefix" dev "$SECOND" table 5182
    fi
  done
}
