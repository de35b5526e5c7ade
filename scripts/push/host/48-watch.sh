# The watcher of pending keys: looks who shook hands last, for as long as the host has keys pending. It is never the only
# record: a change does the same step by itself, and the watcher can be started at any time.
# shellcheck shell=sh disable=SC2154

WATCH_UNIT=wireguard-mesh-keys
# Ten minutes of a tenth of a second each; then, for as long as it takes, less often.
FAST_LOOKS=6000
FAST_S=0.1
SLOW_S=0.4
# Routes and prefixes are looked at even when nobody shook hands: somebody may have restarted the interface.
CHECK_EVERY=50

# $1: the token by which it knows that it is not replaced; none: at boot, by its unit.
watch_keys() {
  # What fails once fails ten times a second, and a log is not to grow by that.
  exec >/dev/null 2>&1
  token=${1:-boot-$$}
  mkdir -p "${LOCK%/*}"
  if [ -z "${1:-}" ]; then
    take_up_keys "$LIVE"
    tell "$token" | remember watcher
    bring_up_second
  fi
  tell "$$" | remember watcher-pid
  looks=0
  last=
  second=$(second_interface)
  while still_mine; do
    seen=$(look)
    if [ $((looks % CHECK_EVERY)) = 0 ]; then
      step act || true
    elif [ "$seen" != "$last" ]; then
      if step follow; then last=$seen; fi
    fi
    looks=$((looks + 1))
    if [ "$looks" -lt "$FAST_LOOKS" ]; then nap "$FAST_S"; else nap "$SLOW_S"; fi
  done
}

# Ten times a second: nothing but what it takes.
look() {
  wg show "$IFACE" latest-handshakes 2>/dev/null || true
  [ -z "$second" ] || wg show "$second" latest-handshakes 2>/dev/null || true
}

still_mine() { keys_pending && [ -f "$THIS_BOOT/watcher" ] && read -r mine <"$THIS_BOOT/watcher" && [ "$mine" = "$token" ]; }
nap() { sleep "$1" 2>/dev/null || sleep 1; }

# Not while a change is at it, which does this step itself.
step() (
  exec 8>>"$LOCK-keys"
  flock -n 8 || exit 1
  still_mine || exit 1
  settle_keys "$1"
)

bring_up_second() {
  name=$(second_interface)
  [ -n "$name" ] || return 0
  [ -e "/sys/class/net/$name" ] || bounded 20 wg-quick up "/etc/wireguard/$name.conf" || return 0
  open_second "$name"
}

# After a change: one watcher of the script that is on the host now, or none.
follow_keys() {
  stop_watcher
  keys_pending || return 0
  name=w$(date +%s)-$$
  tell "$name" | remember watcher
  launch "$name" watch "$IFACE" "$name"
}

# It sees by itself that it is not wanted any more.
stop_watcher() { rm -f "$THIS_BOOT/watcher"; }

watcher_runs() {
  watcher=$(recall watcher-pid)
  [ -n "$watcher" ] && [ -f "$THIS_BOOT/watcher" ] && grep -q watch "/proc/$watcher/cmdline" 2>/dev/null
}

# What was confirmed is watched after a reboot too.
watch_at_boot() {
  unit=/etc/systemd/system/$WATCH_UNIT-$IFACE.service
  if ! with_systemd; then return 0; fi
  if [ -f "$STATE/rotation" ]; then
    watch_unit >"$unit.new" && chmod 644 "$unit.new" && on_disk "$unit.new" && mv "$unit.new" "$unit"
    systemctl --quiet --no-reload enable "$WATCH_UNIT-$IFACE.service" 2>/dev/null ||
      tell "note $WATCH_UNIT-$IFACE could not be enabled: after a reboot, run up again while keys are pending"
  else
    unwatch_at_boot
  fi
}

watch_unit() {
  cat <<END
# wireguard-mesh: $IFACE has keys pending; goes when they are not
[Unit]
Description=WireGuard keys pending on $IFACE
After=wg-quick@$IFACE.service

[Service]
ExecStart=/bin/sh $STATE/host.sh watch $IFACE
Restart=on-failure

[Install]
WantedBy=multi-user.target
END
}

unwatch_at_boot() {
  unit=/etc/systemd/system/$WATCH_UNIT-$IFACE.service
  [ -f "$unit" ] || return 0
  systemctl --quiet --no-reload disable "$WATCH_UNIT-$IFACE.service" 2>/dev/null || true
  rm -f "$unit"
}

# For `unchanged`: what the record says is pending is really looked after.
keys_fit() {
  [ -z "$(recorded pairs "$LIVE")$(recorded alternate "$LIVE")" ] || { watcher_runs && second_fits; }
}

# May be done twice: a commit that was cut is finished later.
commit_keys() {
  [ -f "$STATE/next-rotation" ] || return 0
  commit_second
  replace "$STATE/next-rotation" "$STATE/rotation"
  [ -n "$(recorded pairs "$LIVE")$(recorded alternate "$LIVE")" ] || rm -f "$STATE/rotation"
}

# Of a change that is undone, or of everything.
drop_staged_keys() {
  name=$(recorded alternate "$STAGED")
  [ -z "$name" ] || rm -f "$STAGE/$name.conf"
  rm -f "$STATE/next-rotation"
}

remove_keys() {
  stop_watcher
  unwatch_at_boot
  for name in $(known_seconds); do
    drop_second "$name"
    rm -f "/etc/wireguard/$name.conf" "$STAGE/$name.conf"
  done
  rm -f "$THIS_BOOT/keys" "$THIS_BOOT/verdict"
}
