# The watcher of a rotation. While a neighbour has two keys, its allowed IPs go to the key with the latest handshake; while a
# relay has two interfaces, so do the routes to a peer (table 5182). mesh/host/watched-keys.ts describes RUN/rotation.

# $1: piece with the new rotation, or `-` for none. A running watcher ends when RUN/watcher changes.
watch_piece() {
  local former ports
  former=$(ports_in "$RUN/rotation")
  ports=$([ "$1" = - ] || ports_in "$CHANGE/$1")
  [ "$ports" = "$former" ] || former_port delete
  rm -f "$RUN/rotation" "$RUN/watcher" "$RUN/watcher-pid" "$RUN/keys" "$RUN/settled"
  [ "$1" != - ] || return 0
  cat "$CHANGE/$1" >"$RUN/rotation"
  # An unchanged table is kept, because its sets know which peers have moved.
  [ "$ports" = "$former" ] || former_port new || return 1
  cat /proc/sys/kernel/random/uuid >"$RUN/watcher"
  start_watcher
}
# Waits for it, because the next observation must find it.
start_watcher() {
  local tries=100
  launch "$STATE/host.sh" watch "$(first_line "$RUN/watcher")"
  until watcher_runs || [ $((tries -= 1)) = 0 ]; do pause 0.1; done
}
# As status, on a relay of an unreachable host: starts a watcher that was killed, or that a boot without systemd has not started,
# and resets one that has settled.
mend() {
  lock 5 && rm -f "$RUN/settled" &&
    { [ -f "$RUN/watcher" ] || { [ ! -f "$RUN/pending" ] && prepare_at_boot; }; } &&
    { watcher_runs || start_watcher; }
  unlock
  status
}
watcher_runs() { grep -q watch "/proc/$(first_line "$RUN/watcher-pid")/cmdline" 2>/dev/null; }

# Started by a unit at boot.
watch_at_boot() {
  lock 25
  prepare_at_boot || return 0
  TOKEN=boot
  unlock
  watch
}

# Fails if there is nothing to watch. Finishes an interrupted commit before the second interface comes up.
prepare_at_boot() {
  [ ! -f "$STATE/commit" ] || finish_commit >/dev/null
  [ -f "$STATE/rotation" ] && mkdir -p "$RUN" && cat "$STATE/rotation" >"$RUN/rotation" || return
  former_port add
  if [ -f "$SECOND_LIVE" ] && ! exists "$SECOND"; then
    without_lock timeout 20 wg-quick up "$SECOND_LIVE"
    for name in -4 -6; do ip "$name" rule add priority 5182 table 5182; done
    for name in "$IFACE" "$SECOND"; do loosen_rp_filter "$name"; done
  fi
  echo boot >"$RUN/watcher"
}

# Strict reverse path filtering drops packets that arrive on one interface while the route uses the other
# (Documentation/networking/ip-sysctl: the larger of both values counts).
loosen_rp_filter() {
  # read fails on a sysctl, which has no line end, but sets the variable.
  read -r own <"/proc/sys/net/ipv4/conf/$1/rp_filter"; read -r all </proc/sys/net/ipv4/conf/all/rp_filter
  case $own$all in *2* | 00) ;; *) echo 2 >"/proc/sys/net/ipv4/conf/$1/rp_filter" ;; esac
}
# Checks ten times a second for ten minutes, then less often. Every 50th time it sets everything again, because an interface may
# have been restarted. It does nothing during a change, which holds the lock.
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

# Moves keys with a new handshake to the end of `order`, words `IFACE:KEY`; of keys that share prefixes, the last one gets them.
# New means different from the last check, because clocks may jump back; at the first check the times decide. Of two
# handshakes in the same second, the next key wins.
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
      route) ! last_of "*:${a%:*}" "*:${a#*:}" || route_to "${winner%%:*}" "$b" ;;
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
# Whether the key $2 of the interface $1 has the prefixes $3, or is no peer: wg would create one without its preshared key.
has_all() {
  has=$(wg show "$1" allowed-ips | grep -F "$2$TAB" | tr "$TAB" ' ')
  [ -n "$has" ] || return 0
  for prefix in $(printf '%s' "$3" | tr , ' '); do case " $has " in *" $prefix "*) ;; *) return 1 ;; esac; done
}
# Routes the prefixes $2 to the interface $1. The second one has no address of its own, so its routes name a source.
route_to() {
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
