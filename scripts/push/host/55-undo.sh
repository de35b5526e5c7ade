# The dead-man timer, and the way back that it goes when nobody confirms.
# shellcheck shell=sh disable=SC2154

# The dead-man timer: needs no connection, outlives this shell, and counts without the clock. The token makes an old one
# harmless. There is always one for whoever is pending: the new one is armed first, and the former one goes last.
arm() {
  armed=$(read_timer)
  if with_systemd && has systemd-run && bounded 10 systemd-run --quiet --collect --on-active="$timeout" \
    --timer-property=AccuracySec=1s --unit="$TIMER-$token" \
    /bin/sh "$STATE/host.sh" rollback "$IFACE" "$token" </dev/null >/dev/null 2>&1; then
    timer=$TIMER-$token.timer
  else
    # shellcheck disable=SC2016 # expanded by the inner shell
    detached sh -c 'sleep "$1"; exec sh "$2" rollback "$3" "$4"' sh "$timeout" "$STATE/host.sh" "$IFACE" "$token"
    timer=$!
  fi
  tell "$timer" | remember timer
  tell "$token" | remember pending
  disarm "$armed"
}

read_timer() { recall timer; }

# $1: a timer of systemd's, or the number of a sleeper, which leads a session of its own; by now that may be another's,
# which its command line tells.
disarm() {
  case $1 in
    '' | "$$") ;;
    *.timer) systemctl stop "$1" 2>/dev/null || true ;;
    *) ! grep -q rollback "/proc/$1/cmdline" 2>/dev/null || kill -- "-$1" 2>/dev/null || true ;;
  esac
}

# The last resort waits for nobody for ever: a change that hangs with the lock in its hands is what it is there for.
rollback() {
  take_lock || say "somebody still holds the lock: going back all the same"
  pending || exit 0
  if [ "$(read_state commit)" = "$token" ]; then
    finish_commit
    exit 0
  fi
  say "not confirmed in time: going back"
  undo
}

# Back to what was confirmed last, or to no interface at all where there was nothing. Goes on whatever fails: no full
# disk may keep a host in a state that nobody wanted.
undo() {
  back=yes
  former_file=$(former_config)
  if [ -n "$former_file" ]; then
    abandoned=$(abandoned_peers "$former_file")
    (converge "$former_file") || restart "$former_file" || back=no
    # shellcheck disable=SC2046 # two words are meant
    (set_forwarding $(read_state forwarding) && forget_forwarding $(read_state forwarding)) || true
    force_handshakes probes
  else
    (remove_keys) || true
    take_down
    (set_forwarding 0 0 && forget_forwarding 0 0) || true
  fi
  if [ "$back" = yes ]; then tell "$token" | remember rolled-back || true; else tell "$token" | remember broken || true; fi
  (drop_staged_keys) || true
  rm -f "$THIS_BOOT/pending" "$STATE"/next-* "$STAGED" "$GOOD.new" "$DROP_IN.new" || true
  disarm "$(read_timer)"
}

# The live file, unless somebody has edited or deleted it since it was confirmed and there is a copy.
former_config() {
  if [ -f "$GOOD" ] && ! confirmed_file; then
    [ -f "$LIVE" ] || cp "$GOOD" "$LIVE" || true
    tell "$GOOD"
  elif [ -f "$LIVE" ]; then
    tell "$LIVE"
  fi
}

take_down() {
  link_exists || return 0
  for file in "$STAGED" "$GOOD" "$LIVE"; do
    if [ -f "$file" ] && bounded 20 wg-quick down "$file" 2>/dev/null; then return 0; fi
  done
  ip link del dev "$IFACE" || true
}
